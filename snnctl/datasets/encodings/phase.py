"""Phase coding: when within a period a spike falls says what the value is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, still, within
from snnctl.errors import UserError


@dataclass(frozen=True)
class Phase:
    """One spike a place and period, the earlier in it the larger the value, with P steps a period:

        x[t] = 1 where t mod P = floor(P (1 - v)),  the last step of the period at v = 0

    Args:
        period: s.
        threshold: values at or below it do not spike, no unit, 0 to 1.
        outside: a value outside 0 to 1: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a value outside 0 to 1, or a period of less than 2 steps.

    Source: Montemurro et al. 2008, doi:10.1016/j.cub.2008.02.023.
    """

    period: float = 20e-3
    threshold: float = 0.0
    outside: Outside = "refuse"

    def __post_init__(self):
        number("Phase", "period", self.period, "s", 0.0, above=True)
        number("Phase", "threshold", self.threshold, "no unit, as the values", 0.0, 1.0)
        choice("Phase", "outside", self.outside, Outside)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape). Of a series, each step's own value decides whether it spikes.

        Raises:
            UserError: a value outside 0 to 1, or a period of less than 2 steps.
        """
        v = within("Phase", values, 0.0, 1.0, outside=self.outside)
        rows = round(self.period / dt)
        if rows < 2:
            raise UserError(f"Phase: period is {self.period:g} s", f"range          {2 * dt:g} s (2 steps) and above")
        at = torch.floor(rows * (1 - v) + 1e-6).clamp_max(rows - 1)
        t = torch.arange(steps).view(-1, *[1] * (values.dim() - 1)) % rows
        return ((t == at) & (v > self.threshold)).float()


@dataclass(frozen=True)
class WeightedPhase:
    """A value's binary digits, the first one first, over and over:

        v = sum_k d_k 2^-(k+1),   x[t] = d_k,  weighted: d_k 2^-(k+1),   k = t mod bits

    Weighted, the sum over a period is the value, cut to `bits` digits.

    Args:
        bits: digits, the steps of a period, 1 to 24.
        weighted: spikes carry the weight of their digit.
        outside: a value outside 0 to 1: "refuse", or "clip". 1 is sent as the largest number, 1 - 2^-bits.

    Raises:
        UserError: a setting out of range; when called: a series, or a value outside 0 to 1.

    Source: Kim, Kim, Huh, Lee, Choi 2018, doi:10.1016/j.neucom.2018.05.087.
    """

    bits: int = 8
    weighted: bool = False
    outside: Outside = "refuse"

    def __post_init__(self):
        number("WeightedPhase", "bits", self.bits, "whole number of digits", 1, 24)
        if self.bits != int(self.bits):
            raise UserError(f"WeightedPhase: bits is {self.bits}", "range          1 to 24, whole number of digits")
        choice("WeightedPhase", "outside", self.outside, Outside)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, weighted a power of two, (T, B, *shape).

        Raises:
            UserError: the values are a series, or one lies outside 0 to 1.
        """
        v = within("WeightedPhase", still("WeightedPhase", values), 0.0, 1.0, outside=self.outside)
        code = (v * 2**self.bits).long().clamp_max(2**self.bits - 1)
        k = (torch.arange(steps) % self.bits).view(-1, *[1] * v.dim())
        digits = ((code >> (self.bits - 1 - k)) & 1).float()
        return digits * 2.0 ** -(k + 1) if self.weighted else digits
