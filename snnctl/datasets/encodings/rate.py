"""Rate coding by independent draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, within


@dataclass(frozen=True)
class Rate:
    """Bernoulli spikes, each step and place by its own draw u, uniform in [0, 1):

        P    = max_rate dt v + offset
        x[t] = 1 if u < P
        signed:  P = max_rate dt |v| + offset,  x[t] = sign(v) if u < P

    Args:
        max_rate: firing rate at v = 1, Hz; None: one spike a step, P = v.
        offset: chance to fire at v = 0, a step.
        start: time before which nothing fires, s.
        signed: spikes carry the sign of their value.
        outside: a chance outside 0 to 1: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a chance outside 0 to 1.

    Source: Dayan and Abbott 2001, Theoretical Neuroscience, section 1.4.
    """

    max_rate: float | None = None
    offset: float = 0.0
    start: float = 0.0
    signed: bool = False
    outside: Outside = "refuse"

    def __post_init__(self):
        if self.max_rate is not None:
            number("Rate", "max_rate", self.max_rate, "Hz", 0.0)
        number("Rate", "offset", self.offset, "chance a step", -1.0, 1.0)
        number("Rate", "start", self.start, "s", 0.0)
        choice("Rate", "outside", self.outside, Outside)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, with `signed` -1, 0 or 1, (T, B, *shape).

        Raises:
            UserError: a chance outside 0 to 1.
        """
        scale = 1.0 if self.max_rate is None else self.max_rate * dt
        chance = (values.abs() if self.signed else values) * scale + self.offset
        p = within("Rate", chance, 0.0, 1.0, "a step", self.outside, "the chance max_rate dt v + offset").numpy()
        out = np.empty((steps, *values.shape[1:]), np.float32)
        for b, rng in enumerate(rngs):
            np.less(rng.random((steps, *values.shape[2:]), dtype=np.float32), p[:, b], out=out[:, b])
        out[: round(self.start / dt)] = 0
        x = torch.from_numpy(out)
        return x * values.sign() if self.signed else x
