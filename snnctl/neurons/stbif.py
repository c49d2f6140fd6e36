"""STBIF: an integrate-and-fire neuron that adds up to what a quantised activation would give."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.quantity import one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.threshold import Threshold


class STBIFState(NamedTuple):
    """Between two steps, each (B, ...)."""

    acc: Tensor  # spikes so far, negative ones subtracted
    v: Tensor  # membrane potential, thresholds


class STBIFCoefficients(NamedTuple):
    """Derived from the parameters."""

    threshold: float | Tensor


class STBIF(Threshold):
    """Spike-tracking bipolar integrate-and-fire neuron: after enough steps the sum of its output is its summed input,
    rounded to levels of one threshold and clipped, as in the quantised network that it was converted from.

        v[t] = v[t-1] + x[t] / threshold                           v starts at 1/2, which rounds
        s[t] = 1 if v[t] >= 1 and acc[t-1] < top;  -1 if v[t] < 0 and acc[t-1] > bottom;  else 0
        v[t] = v[t] - s[t],  acc[t] = acc[t-1] + s[t]
        out[t] = threshold s[t]

    Args:
        levels: values that the sum can take, 2 and above: 0 to levels - 1 thresholds.
        signed: they lie around 0 instead: -levels / 2 to levels / 2 - 1.
        threshold: a level's size, unit of the input, above 0.
        fire, surrogate, conventions: of `Threshold`; the surrogate acts on v - 1 and on -v.

    Raises:
        UserError: a value out of range, an unknown option or parameter name.

    Source: K. You et al., "SpikeZIP-TF: conversion is all you need for transformer-based SNN", ICML 2024,
    arXiv:2406.03470.
    """

    State = STBIFState

    def __init__(self, *, levels: int = 16, signed: bool = False, **conventions):
        super().__init__(**conventions)
        if type(levels) is not int or levels < 2:
            raise self.wrong(f"levels is {levels!r}", "range          2 and above, whole, no unit")
        self.levels = levels
        self.signed = one_of(type(self).__name__, "signed", signed, Literal[True, False])

    def coefficients(self, dt: float) -> STBIFCoefficients:
        self.check_step(dt)
        return STBIFCoefficients(self.threshold)

    def initial_state(self, x0: Tensor) -> STBIFState:
        return STBIFState(zeros(x0), zeros(x0) + 0.5)

    def step(self, x: Tensor, state: STBIFState, coefs: STBIFCoefficients) -> tuple[Tensor, STBIFState]:
        bottom, top = (-self.levels // 2, self.levels // 2 - 1) if self.signed else (0, self.levels - 1)
        v = state.v + x / coefs.threshold
        up = torch.where(state.acc < top, self.fired(v, 1.0), 0.0)
        down = torch.where(state.acc > bottom, self.surrogate(-v, strict=True), 0.0)
        s = up - down
        return s * coefs.threshold, STBIFState((state.acc + s).detach(), v - s)
