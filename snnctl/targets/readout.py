"""What leaves a chip, computed on the host in float: the projections into a circuit's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl.circuits import Projection


@dataclass(frozen=True)
class Readout:
    """out += W source[t - delay] + b; W None: the identity; b None: none.

    Args:
        source: name of a population, or the input.
        delay: steps.
        weight: (N out, N source). bias: (N out,).
    """

    source: str
    delay: int
    weight: Tensor | None
    bias: Tensor | None

    @classmethod
    def of(cls, p: Projection, shape: tuple[int, ...]) -> Readout:
        """Of a projection into the output, whose source has this shape."""
        weight, bias = p.matrix(shape) if p.layers else (None, None)
        return cls(p.source, p.delay, weight, bias)

    def read(self, y: Tensor) -> Tensor:
        """Its part of the output, (T, B, N out), of what the source gave (T, B, N source)."""
        if self.delay:
            y = torch.cat([torch.zeros_like(y[: self.delay]), y])[: len(y)]
        y = y if self.weight is None else y @ self.weight.T
        return y if self.bias is None else y + self.bias


def write(readouts: Sequence[Readout], network: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Add readouts to what will be network.json and arrays.npz."""
    network["readouts"] = [{"source": r.source, "delay": r.delay} for r in readouts]
    for i, r in enumerate(readouts):
        for field in ("weight", "bias"):
            if (value := getattr(r, field)) is not None:
                arrays[f"readout {i} {field}"] = value.numpy()


def read(network: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Readout, ...]:
    """The readouts of what the two files hold."""

    def array(name: str) -> Tensor | None:
        return torch.from_numpy(arrays[name]) if name in arrays else None

    return tuple(
        Readout(r["source"], r["delay"], array(f"readout {i} weight"), array(f"readout {i} bias"))
        for i, r in enumerate(network["readouts"])
    )
