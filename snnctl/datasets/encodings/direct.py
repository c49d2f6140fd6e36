"""Values as they are, once a step or over and over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, number, within


@dataclass(frozen=True)
class Direct:
    """The values themselves at every step: x[t] = v[t], or x[t] = v for a still image, expanded without a copy."""

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, *shape); a view with stride 0 in time for still images.

        Raises:
            UserError: a value is no finite number.
        """
        return within("Direct", values).expand(steps, *values.shape[1:])


@dataclass(frozen=True)
class Periodic:
    """The beginning of a series over and over: x[t] = v[t mod P].

    Args:
        period: how long the part is that repeats, P dt, s; None: the whole series.

    Raises:
        UserError: period is not above 0.
    """

    period: float | None = None

    def __post_init__(self):
        if self.period is not None:
            number("Periodic", "period", self.period, "s", 0.0, above=True)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, *shape).

        Raises:
            UserError: a value is no finite number.
        """
        rows = len(values) if self.period is None else min(max(round(self.period / dt), 1), len(values))
        return within("Periodic", values)[torch.arange(steps) % rows]
