"""Spikes of output neurons, for decoders: the same for a framework and for snnctl."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tests.parity.parity import Inputs


def outputs(
    chance: float = 0.2, steps: int = 40, batch: int = 16, neurons: int = 6, classes: int = 6, seed: int = 0
) -> Callable[[], Inputs]:
    """() -> out (T, B, N), spikes of which those of each sample's class are twice as many; target (B,), its class."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(seed)
        target = torch.randint(classes, (batch,), generator=draw)
        own = (torch.arange(neurons) * classes // neurons) == target[:, None]
        p = chance * (1 + own.float())
        return {"out": (torch.rand(steps, batch, neurons, generator=draw) < p).float(), "target": target}

    return inputs
