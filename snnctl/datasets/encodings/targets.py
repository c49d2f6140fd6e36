"""Target codings: a class as the spike trains, or potentials, wanted of the output neurons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from snnctl.datasets.encodings.latency import Latency
from snnctl.datasets.encodings.ranges import Generators, choice, number
from snnctl.errors import UserError

Pattern = Literal["regular", "uniform", "bernoulli"]


def one_hot(target: Tensor, classes: int) -> Tensor:
    """(B,) class indices -> (B, classes) of 0 and 1, float32.

    Raises:
        UserError: an index is no class.
    """
    if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < classes:
        wrong = int(target.max()) if int(target.max()) >= classes else int(target.min())
        raise UserError(f"targets: a class is {wrong}", f"range          0 to {classes - 1}, index of a class")
    return torch.nn.functional.one_hot(target.long(), classes).float()


def ramps(spikes: Tensor, on: float = 1.0, off: float = 0.0) -> Tensor:
    """What a potential is to do between spikes: rise evenly from `off` to `on` at each of them, rest after the last.

        y[t] = off + (on - off) (t - a) / (b - a),   a < t <= b,   a the step after the spike before, b the next spike

    Args:
        spikes: (T, ...), 0 or 1.
        on, off: at a spike, and after one.

    Returns:
        (T, ...); before the first spike a is 0.
    """
    y = torch.full(spikes.shape, float(off))
    flat, out = spikes.reshape(len(spikes), -1), y.view(len(spikes), -1)
    for i in range(flat.shape[1]):
        begin = 0
        for end in flat[:, i].nonzero().flatten().tolist():
            out[begin : end + 1, i] = torch.linspace(off, on, end + 1 - begin) if end > begin else on
            begin = end + 1
    return y


@dataclass(frozen=True)
class RateTargets:
    """Spike trains of a high rate for the right class and a low one for the others, (B,) -> (T, B, C):

        regular:    spikes at floor(s + k / r), k = 0, 1, ...          r spikes a step, s the first step that may spike
        uniform:    as many, at steps drawn evenly from s to T
        bernoulli:  each step from s on by its own draw, P = r

    Args:
        correct_rate: of the right class, spikes a step, 0 to 1.
        incorrect_rate: of the others, at most correct_rate.
        pattern: how spikes are spread.
        start: time of the first step that may spike, s.
        on, off: value of a step with a spike, and without.
        ramp: values rise evenly from off to on up to each spike (see `ramps`).

    Raises:
        UserError: a setting out of range.
    """

    correct_rate: float = 1.0
    incorrect_rate: float = 0.0
    pattern: Pattern = "regular"
    start: float = 0.0
    on: float = 1.0
    off: float = 0.0
    ramp: bool = False

    def __post_init__(self):
        number("RateTargets", "correct_rate", self.correct_rate, "spikes a step", 0.0, 1.0)
        number("RateTargets", "incorrect_rate", self.incorrect_rate, "spikes a step", 0.0, self.correct_rate)
        choice("RateTargets", "pattern", self.pattern, Pattern)
        number("RateTargets", "start", self.start, "s", 0.0)

    def __call__(self, target: Tensor, classes: int, steps: int, dt: float, rngs: Generators = ()) -> Tensor:
        """The trains of a batch.

        Args:
            target: (B,) class indices.
            classes: C.
            steps: T.
            dt: seconds a step.
            rngs: each sample's generator; for uniform and bernoulli.

        Returns:
            (T, B, C) float32.

        Raises:
            UserError: an index is no class, or no generators are given where a pattern draws.
        """
        if self.pattern != "regular" and len(rngs) != len(target):
            raise UserError(f"RateTargets: pattern {self.pattern} draws", "give   rngs, one generator a sample")
        right = one_hot(target, classes)
        rngs = rngs or [None] * len(target)
        trains = [
            torch.stack([self.train(rate, steps, dt, rng) for rate in (self.incorrect_rate, self.correct_rate)])
            for rng in rngs
        ]
        low, high = torch.stack(trains, 1).unbind(0) if trains else (torch.zeros(0, steps),) * 2  # (B, T)
        spikes = torch.where(right.bool()[None], high.T[..., None], low.T[..., None])
        return ramps(spikes, self.on, self.off) if self.ramp else self.off + (self.on - self.off) * spikes

    def train(self, rate: float, steps: int, dt: float, rng: np.random.Generator | None = None) -> Tensor:
        """One train of 0 and 1, (T,).

        Args:
            rate: spikes a step.
            others: as of a call.
        """
        out, start = torch.zeros(steps), round(self.start / dt)
        if not rate or start >= steps:
            return out
        regular = np.arange(start, steps, 1 / rate)
        if self.pattern == "regular":
            at = regular.astype(np.int64)
        elif self.pattern == "uniform":
            at = (rng.random(len(regular), dtype=np.float32) * (steps - start) + start).astype(np.int64)
        else:
            at = np.flatnonzero(rng.random(steps, dtype=np.float32)[start:] < rate) + start
        out[torch.from_numpy(at)] = 1
        return out


@dataclass(frozen=True)
class LatencyTargets:
    """One spike a class, early for the right one, late for the others, (B,) -> (T, B, C): the latency code of 1 and 0.

        y = off + (on - off) x,   x = latency(onehot(target))

    Args:
        latency: the code; `below: latest` makes the wrong classes spike too.
        on, off: value of a step with a spike, and without.
        ramp: values rise evenly from off to on up to the spike (see `ramps`).
    """

    latency: Latency = field(default=Latency(below="latest", rounding="nearest"))
    on: float = 1.0
    off: float = 0.0
    ramp: bool = False

    def __call__(self, target: Tensor, classes: int, steps: int, dt: float, rngs: Generators = ()) -> Tensor:
        """(T, B, C) float32; arguments and errors as of `RateTargets`."""
        spikes = self.latency(one_hot(target, classes)[None], steps, dt, rngs)
        return ramps(spikes, self.on, self.off) if self.ramp else self.off + (self.on - self.off) * spikes
