"""Rmax: reward maximisation for neurons that fire by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.regimes.reward.mstdp import resting


class RmaxState(NamedTuple):
    """Between two steps."""

    pre: Tensor  # (B, I) trace of input spikes
    trace: Tensor  # (B, O, I) of eligibility


@dataclass(frozen=True)
class Rmax:
    """The gradient of the expected reward of stochastic neurons, up to a share of plain Hebb:

        x[t] = x[t-1] exp(-dt / tau_pre) + s_pre[t]
        z[t] = z[t-1] (1 - dt / tau_eligibility) + (s_post[t] - p[t] / (1 + tau_c / dt p[t])) x[t]
        dw[t] = lr r[t] z[t]

    with p the probability that the output neuron fires in this step. tau_c = 0 is the policy gradient; towards infinity
    the rule is Hebbian.

    Args:
        tau_pre: time constant of the trace of input spikes, s, above 0.
        tau_c: s, 0 and above.
        tau_eligibility: time constant of the trace, s, above 0.

    Raises:
        UserError: a value is out of its range.

    Source: E. Vasilaki et al. 2009, doi 10.1371/journal.pcbi.1000586, equation 8.
    """

    tau_pre: float = 20e-3
    tau_c: float = 5e-3
    tau_eligibility: float = 25e-3

    chances = True

    def __post_init__(self):
        for name, above in (("tau_pre", True), ("tau_c", False), ("tau_eligibility", True)):
            number(f"Rmax: {name} is", getattr(self, name), "s", 0, above=above)

    def begin(self, pre: Tensor, post: Tensor) -> RmaxState:
        """As in `RewardRule`."""
        return RmaxState(torch.zeros_like(pre), pre.new_zeros(len(pre), post.shape[1], pre.shape[1]))

    def step(
        self, pre: Tensor, post: Tensor, state: RmaxState, dt: float, chance: Tensor | None = None
    ) -> tuple[Tensor, RmaxState]:
        """As in `RewardRule`; it needs `chance`."""
        x = state.pre * math.exp(-dt / self.tau_pre) + pre
        surprise = post - chance / (1 + self.tau_c / dt * chance)
        trace = state.trace * (1 - dt / self.tau_eligibility) + surprise[:, :, None] * x[:, None]
        return trace, RmaxState(x, trace)

    def observed(self, state: RmaxState) -> RmaxState:
        """As in `RewardRule`."""
        return state._replace(pre=torch.zeros_like(state.pre))

    def forget(self, state: RmaxState, over: Tensor) -> RmaxState:
        """As in `RewardRule`."""
        return RmaxState(*(resting(own, over) for own in state))
