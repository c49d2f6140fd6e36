"""MSTDP: spike-timing-dependent plasticity that the reward modulates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError, number


class MSTDPState(NamedTuple):
    """Between two steps."""

    plus: Tensor  # (B, I) trace of input spikes
    minus: Tensor  # (B, O) trace of output spikes
    eligibility: Tensor  # (B, O, I) of the last step


@dataclass(frozen=True)
class MSTDP:
    """Reward-modulated STDP:

        P+[t] = P+[t-1] exp(-dt / tau_plus) + a_plus s_pre[t]
        P-[t] = P-[t-1] exp(-dt / tau_minus) + a_minus s_post[t]
        e[t] = s_post[t] P+[t] + P-[t] s_pre[t]
        dw[t] = lr r[t] e[t - 1]                                     lag; without it e[t]

    Args:
        tau_plus, tau_minus: time constants of the traces, s, above 0.
        a_plus, a_minus: what a spike adds to them; below 0 for depression.
        lag: the reward of a step meets the eligibility of the step before, as in the source's equation 3.9.

    Raises:
        UserError: a value is out of its range.

    Source: R. V. Florian 2007, doi 10.1162/neco.2007.19.6.1468.
    """

    tau_plus: float = 20e-3
    tau_minus: float = 20e-3
    a_plus: float = 1.0
    a_minus: float = -1.0
    lag: bool = True

    chances = False

    def __post_init__(self):
        owner = type(self).__name__
        for name in ("tau_plus", "tau_minus"):
            number(f"{owner}: {name} is", getattr(self, name), "s", 0, above=True)
        for name in ("a_plus", "a_minus"):
            number(f"{owner}: {name} is", getattr(self, name), "no unit")
        if not isinstance(self.lag, bool):
            raise UserError(f"{owner}: lag is {self.lag!r}", "choose from    true, false")

    def begin(self, pre: Tensor, post: Tensor) -> MSTDPState:
        """As in `RewardRule`."""
        return MSTDPState(
            torch.zeros_like(pre), torch.zeros_like(post), pre.new_zeros(len(pre), post.shape[1], pre.shape[1])
        )

    def step(
        self, pre: Tensor, post: Tensor, state: MSTDPState, dt: float, chance: Tensor | None = None
    ) -> tuple[Tensor, MSTDPState]:
        """As in `RewardRule`."""
        after = self.traced(pre, post, state, dt)
        return (state if self.lag else after).eligibility, after

    def traced(self, pre: Tensor, post: Tensor, state: MSTDPState, dt: float) -> MSTDPState:
        """The traces and the eligibility after this step's spikes."""
        plus = state.plus * math.exp(-dt / self.tau_plus) + self.a_plus * pre
        minus = state.minus * math.exp(-dt / self.tau_minus) + self.a_minus * post
        return MSTDPState(plus, minus, post[:, :, None] * plus[:, None] + minus[:, :, None] * pre[:, None])

    def observed(self, state: MSTDPState) -> MSTDPState:
        """As in `RewardRule`."""
        return MSTDPState(*(torch.zeros_like(own) for own in state))

    def forget(self, state: MSTDPState, over: Tensor) -> MSTDPState:
        """As in `RewardRule`."""
        return MSTDPState(*(resting(own, over) for own in state))


def resting(values: Tensor, over: Tensor) -> Tensor:
    """Values (B, ...) with 0 for the samples (B,) that are over."""
    return values.masked_fill(over.view(-1, *[1] * (values.dim() - 1)), 0.0)
