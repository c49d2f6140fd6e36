"""Pair rules: what a presynaptic spike meets of postsynaptic ones, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.neurons.quantity import one_of
from snnctl.plasticity.rule import Decay, Dependence, Rule, Spikes, Term, falling, itself, rising, traced

Gain = float | Literal["dt/tau"]


class PairState(NamedTuple):
    """Traces between two steps."""

    pre: Tensor  # (B, *pre)
    post: Tensor  # (B, *post)


class PairCoefficients(NamedTuple):
    """Derived at one dt."""

    pre_decay: float
    post_decay: float
    pre_gain: float
    post_gain: float


@dataclass(frozen=True, kw_only=True)
class Traced(Rule):
    """What rules with one trace on either side share; a trace is updated by a step's spikes before it is read.

        x[t] = decay x[t-1] + gain s[t]         spikes: all
        x[t] = gain if s[t] else decay x[t-1]   spikes: nearest

    Args:
        tau_pre, tau_post: time constants of the traces, s, above 0 and >= dt / 2.
        spikes: whether all earlier spikes count or the nearest alone.
        decay: exact, exp(-dt / tau), or euler, 1 - dt / tau.
        trace_gain: what a spike adds to a trace (or sets it to): a number, or "dt/tau" (Norse).
    """

    tau_pre: float = 20e-3
    tau_post: float = 20e-3
    spikes: Spikes = "all"
    decay: Decay = "exact"
    trace_gain: Gain = 1.0
    State = PairState

    def __post_init__(self) -> None:
        super().__post_init__()
        self.positive("tau_pre", "tau_post")
        one_of(self.name, "spikes", self.spikes, Spikes)
        one_of(self.name, "decay", self.decay, Decay)
        if self.trace_gain != "dt/tau":
            number(f"plasticity {self.name}: trace_gain is", self.trace_gain, 'no unit, or "dt/tau"')

    def coefficients(self, dt: float) -> PairCoefficients:
        decays = [self.decayed(tau, dt, self.decay) for tau in (self.tau_pre, self.tau_post)]
        by_step = self.trace_gain == "dt/tau"
        gains = [dt / tau if by_step else self.trace_gain for tau in (self.tau_pre, self.tau_post)]
        return PairCoefficients(*decays, *gains)

    def initial_state(self, pre: Tensor, post: Tensor) -> PairState:
        return PairState(torch.zeros_like(pre), torch.zeros_like(post))

    def traces(self, pre: Tensor, post: Tensor, state: PairState, coefs: PairCoefficients) -> PairState:
        """The traces after a step."""
        return PairState(
            traced(state.pre, pre, coefs.pre_decay, coefs.pre_gain, self.spikes),
            traced(state.post, post, coefs.post_decay, coefs.post_gain, self.spikes),
        )


@dataclass(frozen=True, kw_only=True)
class PairSTDP(Traced):
    """Pair-based STDP: a spike that comes after the other side's strengthens, one that comes before weakens.

        dw = eta_plus G+(w) x_pre s_post - eta_minus G-(w) s_pre x_post

        dependence        G+(w)             G-(w)
        additive          1                 1
        step              [w < high]        [w > low]
        multiplicative    (high - w)+       (w - low)+          weight-dependent, also of BindsNET
        power             (high - w)+^mu    (w - low)+^mu
        proportional      w                 w                   the default of snnTorch and SpikingJelly

    Args:
        eta_plus, eta_minus: learning rates, unit of the weight over that of the gain.
        dependence: of the change on the weight. mu: exponent of "power", 0 and above.
        others: of `Traced` and `Rule`.

    Raises:
        UserError: a value is out of range; a dependence on bounds that are not given.

    Source: S. Song, K. D. Miller, L. F. Abbott 2000, doi:10.1038/78829 (additive); M. C. W. van Rossum, G. Q. Bi, G. G.
    Turrigiano 2000, doi:10.1523/JNEUROSCI.20-23-08812.2000 (multiplicative); R. Guetig et al. 2003,
    doi:10.1523/JNEUROSCI.23-09-03697.2003 (power); A. Morrison, M. Diesmann, W. Gerstner 2008,
    doi:10.1007/s00422-008-0233-1 (traces; nearest and all spikes).
    """

    eta_plus: float = 1e-2
    eta_minus: float = 1e-4
    dependence: Dependence = "additive"
    mu: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finite("eta_plus", "eta_minus")
        number(f"plasticity {self.name}: mu is", self.mu, "no unit", 0.0)
        one_of(self.name, "dependence", self.dependence, Dependence)
        if self.dependence not in ("additive", "proportional") and None in (self.low, self.high):
            raise self.wrong(f"dependence {self.dependence} needs both bounds", "give           low and high")

    def step(
        self, pre: Tensor, post: Tensor, state: PairState, coefs: PairCoefficients
    ) -> tuple[tuple[Term, ...], PairState]:
        state = self.traces(pre, post, state, coefs)
        up, down = self.eta_plus, -self.eta_minus
        if self.dependence == "additive":
            return (Term(state.pre, up * post), Term(pre, down * state.post)), state
        rise = partial(rising, dependence=self.dependence, high=self.high, mu=self.mu)
        fall = partial(falling, dependence=self.dependence, low=self.low, mu=self.mu)
        return (Term(state.pre, up * post, rise), Term(pre, down * state.post, fall)), state


@dataclass(frozen=True, kw_only=True)
class PostSTDP(Traced):
    """STDP at postsynaptic spikes alone: inputs that were active more than `target` are strengthened, others weakened.

        dw = eta (x_pre - target) (high - w)+^mu s_post

    Args:
        eta: learning rate, unit of the weight over that of the gain.
        target: of the presynaptic trace, no unit; the higher, the weaker the synapses become.
        mu: exponent of the dependence on the weight, 0 and above; 0: none.
        others: of `Traced` and `Rule`.

    Raises:
        UserError: a value is out of range; mu above 0 without `high`.

    Source: P. U. Diehl, M. Cook 2015, doi:10.3389/fncom.2015.00099, section 2.3.
    """

    eta: float = 1e-2
    target: float = 0.0
    mu: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finite("eta", "target")
        number(f"plasticity {self.name}: mu is", self.mu, "no unit", 0.0)
        if self.mu and self.high is None:
            raise self.wrong("mu needs the upper bound", "give           high, or mu: 0")

    def step(
        self, pre: Tensor, post: Tensor, state: PairState, coefs: PairCoefficients
    ) -> tuple[tuple[Term, ...], PairState]:
        state = self.traces(pre, post, state, coefs)
        gain = partial(rising, dependence="power", high=self.high, mu=self.mu) if self.mu else None
        return (Term(state.pre - self.target, self.eta * post, gain),), state


@dataclass(frozen=True, kw_only=True)
class Hebbian(Traced):
    """Hebb's rule: whatever fires together is strengthened, in either order.

        dw = eta_pre s_pre x_post + eta_post x_pre s_post

    Args:
        eta_pre, eta_post: learning rates at presynaptic and postsynaptic spikes, unit of the weight.
        others: of `Traced` and `Rule`.

    Raises:
        UserError: a value is out of range.

    Source: D. O. Hebb, "The Organization of Behavior" (1949); with traces as in BindsNET.
    """

    eta_pre: float = 1e-4
    eta_post: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finite("eta_pre", "eta_post")

    def step(
        self, pre: Tensor, post: Tensor, state: PairState, coefs: PairCoefficients
    ) -> tuple[tuple[Term, ...], PairState]:
        state = self.traces(pre, post, state, coefs)
        return (Term(pre, self.eta_pre * state.post), Term(state.pre, self.eta_post * post)), state


@dataclass(frozen=True, kw_only=True)
class Oja(Traced):
    """Oja's rule on traces: Hebb's product, and a decay that keeps the length of a neuron's weights near 1.

        dw = eta (x_pre x_post - x_post^2 w)

    Args:
        eta: learning rate a step, no unit.
        others: of `Traced` and `Rule`.

    Raises:
        UserError: a value is out of range.

    Source: E. Oja 1982, doi:10.1007/BF00275687.
    """

    eta: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finite("eta")

    def step(
        self, pre: Tensor, post: Tensor, state: PairState, coefs: PairCoefficients
    ) -> tuple[tuple[Term, ...], PairState]:
        state = self.traces(pre, post, state, coefs)
        pull = -self.eta * state.post**2
        return (Term(state.pre, self.eta * state.post), Term(None, pull, itself)), state
