"""Spikes for what changes: send on delta, and delta modulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, choice, number, within

Reference = Literal["sent", "last"]


@dataclass(frozen=True)
class Delta:
    """n = floor(|v[t] - r| / theta) spikes of the change's sign, at most `most`, and then

        sent:  r moves by n theta towards v[t], so that the spikes add up to the signal    (send on delta)
        last:  r = v[t]                                                                    (delta modulation)

    The reference r starts at v[0], which sends nothing; a still image then sends nothing at all.

    Args:
        theta: change upwards that sends a spike, in the unit of the values.
        theta_down: change downwards; None: theta.
        signed: True: x = +n or -n in place. False: two planes, ups then downs: (C, ...) becomes (2 C, ...).
        reference: what a value is compared with.
        initial: r before the first row, in the unit of the values; None: the first row itself.
        most: spikes a place and step at most; None: as many as the change holds.
        down: whether changes downwards send anything.
        refractory: time after a spike, s, rounded to steps, in which r follows v and nothing is sent; there is then at
            most one spike a place and step, after which r is v. 0: none.

    Raises:
        UserError: a setting out of range; when called: a value is not finite.

    Source: Miskowicz 2006, doi:10.3390/s6010049.
    """

    theta: float = 0.1
    theta_down: float | None = None
    signed: bool = True
    reference: Reference = "sent"
    initial: float | None = None
    most: int | None = None
    down: bool = True
    refractory: float = 0.0

    def __post_init__(self):
        unit = "unit of the values"
        number("Delta", "theta", self.theta, unit, 0.0, above=True)
        if self.theta_down is not None:
            number("Delta", "theta_down", self.theta_down, unit, 0.0, above=True)
        if self.initial is not None:
            number("Delta", "initial", self.initial, unit)
        if self.most is not None:
            number("Delta", "most", self.most, "spikes a step", 1)
        choice("Delta", "reference", self.reference, Reference)
        number("Delta", "refractory", self.refractory, "s", 0.0)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step after it."""
        return tuple(shape) if self.signed else (2 * shape[0], *shape[1:])

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spike counts, signed or in two planes, (T, B, *shape).

        Raises:
            UserError: a value is not finite.
        """
        flat = np.ascontiguousarray(within("Delta", values).reshape(len(values), -1).numpy())
        sent = np.zeros((steps, flat.shape[1]), np.float32)
        down = self.theta if self.theta_down is None else self.theta_down
        thetas = (float(self.theta), float(down) if self.down else np.inf)
        start = (0.0 if self.initial is None else float(self.initial), self.initial is not None)
        hold = max(round(self.refractory / dt), 1) if self.refractory else 0
        most = 1 if hold else (self.most or 0)
        _send(flat, *thetas, *start, self.reference == "last", most, hold, sent)
        x = torch.from_numpy(sent).view(steps, *values.shape[1:])
        return x if self.signed else torch.cat([x.clamp_min(0), (-x).clamp_min(0)], dim=2)


@njit(cache=True, nogil=True)
def _send(values, up, down, initial, from_initial, last, most, hold, sent):
    for c in range(values.shape[1]):
        reference = initial if from_initial else np.float64(values[0, c])
        wait = 0  # steps of the refractory period left
        for t in range(min(values.shape[0], sent.shape[0])):
            moved = values[t, c] - reference
            theta = up if moved > 0 else down
            n = np.floor(abs(moved) / theta + 1e-6)  # a change of exactly n thetas sends n, despite float32
            if most > 0:
                n = min(n, np.float64(most))
            if wait > 0:
                n = 0.0
            elif n > 0:
                wait = hold
            sent[t, c] = n if moved > 0 else 0.0 - n
            if last or wait > 0:
                reference = np.float64(values[t, c])
            elif n > 0:
                reference += n * theta if moved > 0 else -n * theta
            wait -= 1
