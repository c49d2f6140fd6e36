"""Time to first spike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, still, within

Mode = Literal["linear", "log", "exp"]
Below = Literal["silent", "latest"]
Rounding = Literal["floor", "nearest"]
MARGIN = 1e-7  # above the threshold, where "latest" puts what lies at or below it: the logarithm stays finite


@dataclass(frozen=True)
class Latency:
    """One spike a place, the earlier the larger the value.

        linear:  t = start + t_max (1 - v)
        log:     t = start + tau ln(v / (v - threshold))     when a leaky integrator with input v reaches the threshold
        exp:     t = start - tau ln(v + (1 - v) exp(-t_max / tau))         0 at v = 1, t_max at v = 0

    Times past the last step give no spike.

    Args:
        mode: "linear", "log" or "exp".
        t_max: time of the value 0, linear and exp, s; None: the last step.
        tau: time constant, log and exp, s.
        threshold: values at or below it are `below`, no unit, 0 to 1.
        below: "silent": they do not spike; "latest": they spike as a value just above the threshold does.
        rounding: of the time to a step: "floor", the step that it lies in; or "nearest".
        start: added to every time, s.
        normalize: log: times of a sample are stretched so that its latest spike falls on the last step.
        outside: a value outside 0 to 1: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a series, or a value outside 0 to 1.

    Source: Thorpe, Delorme, Van Rullen 2001, doi:10.1016/S0893-6080(01)00083-1; Zenke and Vogels 2021,
    doi:10.1162/neco_a_01367 (log).
    """

    mode: Mode = "linear"
    t_max: float | None = None
    tau: float = 20e-3
    threshold: float = 0.01
    below: Below = "silent"
    rounding: Rounding = "floor"
    start: float = 0.0
    normalize: bool = False
    outside: Outside = "refuse"

    def __post_init__(self):
        options = {"mode": Mode, "below": Below, "rounding": Rounding, "outside": Outside}
        for name, literal in options.items():
            choice("Latency", name, getattr(self, name), literal)
        if self.t_max is not None:
            number("Latency", "t_max", self.t_max, "s", 0.0)
        number("Latency", "tau", self.tau, "s", 0.0, above=True)
        number("Latency", "threshold", self.threshold, "no unit, as the values", 0.0, 1.0)
        number("Latency", "start", self.start, "s", 0.0)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape).

        Raises:
            UserError: the values are a series, or one lies outside 0 to 1.
        """
        v = within("Latency", still("Latency", values), 0.0, 1.0, outside=self.outside)
        t = self.times(v, steps, dt)
        step = torch.round(t) if self.rounding == "nearest" else torch.floor(t + 1e-6)
        spikes = (step >= 0) & (step < steps)
        if self.below == "silent":
            spikes &= v > self.threshold
        out = torch.zeros(steps, *v.shape)
        return out.scatter_(0, step.nan_to_num(0.0).clamp(0, steps - 1).long()[None], spikes.float()[None])

    def times(self, v: Tensor, steps: int, dt: float) -> Tensor:
        """(B, *shape) time of each spike, in steps, before rounding; beyond T where none is."""
        start, tau = self.start / dt, self.tau / dt
        last = steps - 1 if self.rounding == "nearest" else steps  # the last step, or where it ends
        late = last - start if self.t_max is None else self.t_max / dt
        if self.mode == "log":
            u = v.clamp_min(self.threshold + MARGIN)
            t = tau * torch.log(u / (u - self.threshold))
            if self.normalize:
                places = tuple(range(1, v.dim()))
                t = t * (steps - start - 1) / t.amax(places, keepdim=True).clamp_min(1e-30)
            return t + start
        u = v.clamp_min(self.threshold) if self.below == "latest" else v
        if self.mode == "linear":
            return late * (1 - u) + start
        return -tau * torch.log(u + (1 - u) * math.exp(-late / tau)) + start
