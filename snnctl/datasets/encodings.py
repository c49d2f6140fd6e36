"""Values to spikes or currents over time: small frozen callables `(values, steps, dt, rngs) -> x`.

`values` is (L, B, *shape) float32, L = 1 for still images and L = T for series; `steps` is T; `dt` is in seconds;
`rngs` holds each sample's own generator. The result is (T, B, *shape) float32. Draws do not depend on T: a longer
batch leaves a sample's first steps as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.errors import UserError

Generators = Sequence[np.random.Generator]


@dataclass(frozen=True)
class Direct:
    """The values themselves at every step: x[t] = v[t], or x[t] = v for a still image, expanded without a copy."""

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, *shape); a view with stride 0 in time for still images."""
        return values.expand(steps, *values.shape[1:])


@dataclass(frozen=True)
class Rate:
    """Bernoulli spikes: P(spike in a step) = max_rate dt v, clipped to 0..1, each step and place by its own draw.

    Args:
        max_rate: firing rate at v = 1, Hz; None: one spike a step, P = v (snnTorch's spikegen.rate).
    """

    max_rate: float | None = None

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape)."""
        scale = 1.0 if self.max_rate is None else self.max_rate * dt
        p = (values * scale).numpy()
        out = np.empty((steps, *values.shape[1:]), np.float32)
        for b, rng in enumerate(rngs):
            np.less(rng.random((steps, *values.shape[2:]), dtype=np.float32), p[:, b], out=out[:, b])
        return torch.from_numpy(out)


@dataclass(frozen=True)
class Poisson:
    """Spike trains with exponential intervals: t_{k+1} = t_k + refractory + E / (max_rate v), E ~ Exp(1).

    A step counts its spikes, so the expected number does not depend on dt.

    Args:
        max_rate: firing rate at v = 1 without a refractory period, Hz.
        refractory: shortest interval, s.

    Source: Dayan and Abbott 2001, Theoretical Neuroscience, section 1.4.
    """

    max_rate: float = 100.0
    refractory: float = 0.0

    def __post_init__(self):
        if not self.max_rate > 0 or self.refractory < 0:
            raise UserError(
                f"Poisson: max_rate is {self.max_rate} Hz, refractory is {self.refractory} s",
                "expected a rate above 0 and a period of at least 0",
            )

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spikes a step, (T, B, *shape).

        Raises:
            UserError: the values are a series.
        """
        _still("Poisson", values)
        size = values[0, 0].numel()
        out = np.zeros((steps, len(rngs), size), np.float32)
        rate = values[0].reshape(len(rngs), size).numpy() * self.max_rate
        for b, rng in enumerate(rngs):
            with np.errstate(divide="ignore"):
                mean = np.where(rate[b] > 0, 1 / rate[b], np.inf)
            t = rng.standard_exponential(size) * mean
            while (alive := np.flatnonzero(t < steps * dt)).size:
                bins = np.minimum((t[alive] / dt).astype(np.int64), steps - 1)
                out[bins, b, alive] += 1
                t += self.refractory + rng.standard_exponential(size) * mean
        return torch.from_numpy(out).view(steps, *values.shape[1:])


@dataclass(frozen=True)
class Latency:
    """One spike a place, the earlier the larger the value.

    linear:  t = t_max (1 - v)
    log:     t = tau ln(v / (v - threshold)),   when a leaky integrator with input v reaches the threshold

    Values at or below the threshold, and times past the last step, give no spike.

    Args:
        mode: "linear" or "log".
        t_max: time of the smallest value, linear, s; None: the end of the sample.
        tau: time constant, log, s.
        threshold: smallest value that spikes, 0..1.

    Source: Thorpe, Delorme, Van Rullen 2001, doi:10.1016/S0893-6080(01)00083-1; Zenke and Vogels 2021,
    doi:10.1162/neco_a_01367 (log).
    """

    mode: Literal["linear", "log"] = "linear"
    t_max: float | None = None
    tau: float = 20e-3
    threshold: float = 0.01

    def __post_init__(self):
        if self.mode not in ("linear", "log"):
            raise UserError(f"Latency: mode is {self.mode!r}", "choose from linear, log")

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape).

        Raises:
            UserError: the values are a series.
        """
        _still("Latency", values)
        v = values[0]
        late = steps * dt if self.t_max is None else self.t_max
        if self.mode == "linear":
            t = late * (1 - v)
        else:
            t = self.tau * torch.log(v / (v - self.threshold).clamp_min(1e-12))
        step = torch.floor(t / dt + 1e-6)
        spikes = (v > self.threshold) & (step >= 0) & (step < steps)
        out = torch.zeros(steps, *v.shape)
        return out.scatter_(0, step.clamp(0, steps - 1).long()[None], spikes.float()[None])


@dataclass(frozen=True)
class Delta:
    """Send on delta: n = floor(|v[t] - r| / theta) spikes of the change's sign, then r moves by n theta towards v[t].

    The reference r starts at v[0], which sends nothing; a still image sends nothing at all.

    Args:
        theta: threshold, in the unit of the values.
        signed: True: x = +n or -n in place. False: two planes, ups then downs: (C, ...) becomes (2 C, ...).

    Source: Miskowicz 2006, doi:10.3390/s6010049.
    """

    theta: float = 0.1
    signed: bool = True

    def __post_init__(self):
        if not self.theta > 0:
            raise UserError(f"Delta: theta is {self.theta}", "expected a threshold above 0")

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step after it."""
        return tuple(shape) if self.signed else (2 * shape[0], *shape[1:])

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spike counts, signed or in two planes, (T, B, *shape)."""
        flat = values.reshape(len(values), -1).numpy()
        sent = np.zeros((steps, flat.shape[1]), np.float32)
        _delta(np.ascontiguousarray(flat), np.float64(self.theta), sent)
        sent = torch.from_numpy(sent).view(steps, *values.shape[1:])
        return sent if self.signed else torch.cat([sent.clamp_min(0), (-sent).clamp_min(0)], dim=2)


@njit(cache=True, nogil=True)
def _delta(values, theta, sent):
    for c in range(values.shape[1]):
        reference = np.float64(values[0, c])
        for t in range(1, values.shape[0]):
            moved = (values[t, c] - reference) / theta
            n = np.floor(abs(moved) + 1e-6)  # a change of exactly n thetas sends n, despite float32
            if n > 0:
                n = n if moved > 0 else -n
                sent[t, c] = n
                reference += n * theta


def _still(name: str, values: Tensor) -> None:
    if len(values) != 1:
        raise UserError(f"{name} encodes still images, and this is a series", "choose from direct, rate, delta")
