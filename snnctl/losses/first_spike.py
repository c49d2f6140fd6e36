"""Cross-entropy of spike times: the class whose neuron fires first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from snnctl.losses.loss import CrossEntropy, one_of, valid, within
from snnctl.losses.spike_times import spike_times


class FirstSpike(CrossEntropy):
    """Cross-entropy of the time of the first spike.

        scores = -t_first / tau            inverse: negate
                 tau / (t_first + 1)       inverse: reciprocal

    With `gradient: expected` it is the expected time

        h[t]    = min(out[t], 1)                                   spiking output neurons
                  1 / (1 + exp(-(out[t] - threshold) / width))     membranes, where threshold is given
        t_first = sum_{t < T_b} prod_{u <= t} (1 - h[u])           steps

    h is the chance to fire at t, if not before; the product is the chance of no spike up to t, and the sum of these
    is the expected time of the first spike. For spikes of 0 and 1 it is that time exactly, T_b where there is none,
    and the gradient that the surrogate passes on is

        d t_first / d h[t] = -(steps that a spike at t would make the first one earlier)     t before the first spike f
                             -(next spike after f, or T_b, less f)                            t = f
                             0                                                               t after f

    so silent neurons have one too. With `gradient: sign` it is the time itself, T_b - 1 where there is none, and its
    gradient is -1 at that step and 0 elsewhere.

    Args:
        tau: steps of difference that count as one unit of score; of the reciprocal: the score of a spike at once.
        threshold: reads `out` as a membrane with this threshold; None reads it as spikes.
        width: of the sigmoid around the threshold, in the unit of the membrane.
        inverse: negate or reciprocal.
        gradient: expected or sign.
        label_smoothing, class_weights: as in `CrossEntropy`.

    Sources: softmax over negative spike times: Mostafa 2018, doi 10.1109/TNNLS.2017.2726060, and Goeltz et al. 2021,
    doi 10.1038/s42256-021-00388-x. The expected first time is the discrete hazard model of survival analysis. The
    gradient of the sign: Eshraghian et al. 2023, doi 10.1109/JPROC.2023.3308088.

    Raises:
        UserError: tau or width is not above 0, an option is unknown.
    """

    def __init__(
        self,
        tau: float = 1.0,
        threshold: float | None = None,
        width: float = 0.1,
        inverse: Literal["negate", "reciprocal"] = "negate",
        gradient: Literal["expected", "sign"] = "expected",
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(label_smoothing, class_weights)
        self.tau = within("tau", tau, "steps", above=True)
        self.threshold = None if threshold is None else within("threshold", threshold, "unit of out", -math.inf)
        self.width = within("width", width, "unit of out", above=True)
        self.inverse = one_of("inverse", inverse, ("negate", "reciprocal"))
        self.gradient = one_of("gradient", gradient, ("expected", "sign"))

    def first_times(self, out: Tensor, length: Tensor) -> Tensor:
        """Time of the first spike: (T, B, C), (B,) -> (B, C), steps."""
        if self.gradient == "sign":
            return spike_times(out, out > 0 if self.threshold is None else out > self.threshold, length)[0]
        data = valid(out, length)
        out = torch.where(data, out.float(), 0.0)
        chance = out.clamp(0, 1) if self.threshold is None else torch.sigmoid((out - self.threshold) / self.width)
        silent = torch.cumprod(1 - chance, 0)
        return torch.where(data, silent, 0.0).sum(0)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C): -t_first / tau, or tau / (t_first + 1)."""
        return self.scored(self.first_times(out, length))

    def scored(self, times: Tensor) -> Tensor:
        """Times of first spikes, steps, whole or not: (B, C) -> (B, C)."""
        return -times / self.tau if self.inverse == "negate" else self.tau / (times + 1)
