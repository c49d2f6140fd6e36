"""Rate coding by the intervals between spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, still, within

Intervals = Literal["exponential", "poisson"]


@dataclass(frozen=True)
class Poisson:
    """Spike trains by their intervals, r = max_rate v:

        exponential:  t_{k+1} = t_k + refractory + E / r,        E ~ Exp(1), t in s: a Poisson process
        poisson:      n_{k+1} = n_k + max(N, 1),                 N ~ Poisson(1 / (r dt)), n in steps; x[n_k - 1] = 1

    Of exponential intervals a step counts its spikes, so the expected number does not depend on dt. The other ones make
    trains that are more regular than a Poisson process: the variance of N is its mean, not its square.

    Args:
        max_rate: firing rate at v = 1 without a refractory period, Hz.
        refractory: shortest interval, s; of exponential intervals only.
        intervals: their distribution.
        outside: a value below 0: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a series, or a value below 0.

    Source: Dayan and Abbott 2001, Theoretical Neuroscience, section 1.4.
    """

    max_rate: float = 100.0
    refractory: float = 0.0
    intervals: Intervals = "exponential"
    outside: Outside = "refuse"

    def __post_init__(self):
        number("Poisson", "max_rate", self.max_rate, "Hz", 0.0, above=True)
        number("Poisson", "refractory", self.refractory, "s", 0.0)
        choice("Poisson", "intervals", self.intervals, Intervals)
        choice("Poisson", "outside", self.outside, Outside)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spikes a step, (T, B, *shape).

        Raises:
            UserError: the values are a series, or one is below 0.
        """
        v = within("Poisson", still("Poisson", values), 0.0, unit="shares of max_rate", outside=self.outside)
        size = v[0].numel()
        out = np.zeros((steps, len(rngs), size), np.float32)
        draw = self._exponential if self.intervals == "exponential" else self._poisson
        for b, rng in enumerate(rngs):
            draw(v[b].flatten().numpy() * self.max_rate, dt, rng, out[:, b])
        return torch.from_numpy(out).view(steps, *values.shape[1:])

    def _exponential(self, rate: np.ndarray, dt: float, rng: np.random.Generator, out: np.ndarray) -> None:
        steps = len(out)
        with np.errstate(divide="ignore"):
            mean = np.where(rate > 0, 1 / rate, np.inf)
        t = rng.standard_exponential(len(rate)) * mean
        while (alive := np.flatnonzero(t < steps * dt)).size:
            out[np.minimum((t[alive] / dt).astype(np.int64), steps - 1), alive] += 1
            t += self.refractory + rng.standard_exponential(len(rate)) * mean

    def _poisson(self, rate: np.ndarray, dt: float, rng: np.random.Generator, out: np.ndarray) -> None:
        fires = rate > 0
        mean = np.divide(1.0, rate, out=np.zeros_like(rate), where=fires) * (1 / dt)
        mean = np.minimum(mean, 1e9)  # beyond any recording, and within what can be drawn
        n = np.zeros(len(rate), np.int64)
        while True:
            n += np.where(fires, np.maximum(rng.poisson(mean), 1), len(out) + 1)
            if not (alive := np.flatnonzero(n <= len(out))).size:
                return
            out[n[alive] - 1, alive] = 1
