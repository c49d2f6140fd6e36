"""MSTDPET: MSTDP with an eligibility trace, for rewards that come late."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.regimes.reward.mstdp import MSTDP, MSTDPState, resting


class MSTDPETState(NamedTuple):
    """Between two steps."""

    point: MSTDPState
    trace: Tensor  # (B, O, I) of eligibility


@dataclass(frozen=True)
class MSTDPET(MSTDP):
    """Reward-modulated STDP with an eligibility trace, for each sample of a batch its own:

        z[t] = z[t-1] exp(-dt / tau_eligibility) + e[t - 1] dt0 / tau_eligibility        lag; without it e[t]
        dw[t] = lr r[t] z[t]                                                              dt0 = 1 ms

    with e as in `MSTDP`. The factor dt0 makes z what BindsNET and SpikingJelly have at steps of 1 ms, without unit.

    Args:
        tau_eligibility: time constant of the trace, s, above 0.
        others: as in `MSTDP`.

    Raises:
        UserError: a value is out of its range.

    Source: R. V. Florian 2007, doi 10.1162/neco.2007.19.6.1468, equations 2.7 and 2.8.
    """

    tau_eligibility: float = 25e-3

    def __post_init__(self):
        super().__post_init__()
        number("MSTDPET: tau_eligibility is", self.tau_eligibility, "s", 0, above=True)

    def begin(self, pre: Tensor, post: Tensor) -> MSTDPETState:
        """As in `RewardRule`."""
        point = super().begin(pre, post)
        return MSTDPETState(point, torch.zeros_like(point.eligibility))

    def step(
        self, pre: Tensor, post: Tensor, state: MSTDPETState, dt: float, chance: Tensor | None = None
    ) -> tuple[Tensor, MSTDPETState]:
        """As in `RewardRule`."""
        point, after = super().step(pre, post, state.point, dt)
        trace = state.trace * math.exp(-dt / self.tau_eligibility) + point * (1e-3 / self.tau_eligibility)
        return trace, MSTDPETState(after, trace)

    def observed(self, state: MSTDPETState) -> MSTDPETState:
        """As in `RewardRule`."""
        return state._replace(point=super().observed(state.point))

    def forget(self, state: MSTDPETState, over: Tensor) -> MSTDPETState:
        """As in `RewardRule`."""
        return MSTDPETState(super().forget(state.point, over), resting(state.trace, over))
