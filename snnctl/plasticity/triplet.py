"""The triplet rule: pairs, weighed by how recently the same side had fired before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.quantity import one_of
from snnctl.plasticity.rule import Decay, Dependence, Rule, Spikes, Term, falling, rising, traced


class TripletState(NamedTuple):
    """Traces between two steps, fast and slow."""

    pre: Tensor  # r1, (B, *pre)
    pre_slow: Tensor  # r2
    post: Tensor  # o1, (B, *post)
    post_slow: Tensor  # o2


class TripletCoefficients(NamedTuple):
    """Share of each trace that a step leaves."""

    pre: float
    pre_slow: float
    post: float
    post_slow: float


@dataclass(frozen=True, kw_only=True)
class TripletSTDP(Rule):
    """Triplet STDP:

        dw = G+(w) s_post r1 (eta_plus + eta_plus3 o2) - G-(w) s_pre o1 (eta_minus + eta_minus3 r2)

    r1, r2 (o1, o2) are the fast and slow trace of the presynaptic (postsynaptic) spikes; the slow ones are read as they
    are before the spike itself, the fast ones after it.

    Args:
        eta_plus, eta_minus: learning rates of pairs, unit of the weight. eta_plus3, eta_minus3: of triplets.
        tau_pre, tau_post: of the fast traces, s. tau_pre_slow, tau_post_slow: of the slow ones, s.
        spikes: whether all earlier spikes count or the nearest alone.
        decay: exact, exp(-dt / tau), or euler, 1 - dt / tau.
        dependence, mu: of the change on the weight, as of `PairSTDP`.
        others: of `Rule`.

    Raises:
        UserError: a value is out of range; a dependence on bounds that are not given.

    Source: J.-P. Pfister, W. Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006; the defaults are its hippocampal
    all-to-all fit (full model), whose weights are relative.
    """

    eta_plus: float = 6.1e-3
    eta_minus: float = 1.6e-3
    eta_plus3: float = 6.7e-3
    eta_minus3: float = 1.4e-3
    tau_pre: float = 16.8e-3
    tau_post: float = 33.7e-3
    tau_pre_slow: float = 946e-3
    tau_post_slow: float = 27e-3
    spikes: Spikes = "all"
    decay: Decay = "exact"
    dependence: Dependence = "additive"
    mu: float = 1.0
    State = TripletState

    def __post_init__(self) -> None:
        super().__post_init__()
        self.positive("tau_pre", "tau_post", "tau_pre_slow", "tau_post_slow")
        self.finite("eta_plus", "eta_minus", "eta_plus3", "eta_minus3", "mu")
        one_of(self.name, "spikes", self.spikes, Spikes)
        one_of(self.name, "decay", self.decay, Decay)
        one_of(self.name, "dependence", self.dependence, Dependence)
        if self.dependence not in ("additive", "proportional") and None in (self.low, self.high):
            raise self.wrong(f"dependence {self.dependence} needs both bounds", "give           low and high")

    def coefficients(self, dt: float) -> TripletCoefficients:
        taus = (self.tau_pre, self.tau_pre_slow, self.tau_post, self.tau_post_slow)
        return TripletCoefficients(*(self.decayed(tau, dt, self.decay) for tau in taus))

    def initial_state(self, pre: Tensor, post: Tensor) -> TripletState:
        return TripletState(*(torch.zeros_like(s) for s in (pre, pre, post, post)))

    def step(
        self, pre: Tensor, post: Tensor, state: TripletState, coefs: TripletCoefficients
    ) -> tuple[tuple[Term, ...], TripletState]:
        before_pre, before_post = coefs.pre_slow * state.pre_slow, coefs.post_slow * state.post_slow
        after = TripletState(*(
            traced(x, s, decay, 1.0, self.spikes)
            for x, s, decay in zip(state, (pre, pre, post, post), coefs, strict=True)
        ))  # fmt: skip
        up = post * (self.eta_plus + self.eta_plus3 * before_post)
        down = -pre * (self.eta_minus + self.eta_minus3 * before_pre)
        if self.dependence == "additive":
            return (Term(after.pre, up), Term(down, after.post)), after
        rise = partial(rising, dependence=self.dependence, high=self.high, mu=self.mu)
        fall = partial(falling, dependence=self.dependence, low=self.low, mu=self.mu)
        return (Term(after.pre, up, rise), Term(down, after.post, fall)), after
