"""What neurons with an adaptation current share: the currents i and w around a membrane, written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Leaky, decay_factor, gained, leaked
from snnctl.neurons.quantity import POTENTIAL, TIME, Kind, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.synapse import Synapse, arrived

Follows = Literal["before", "charged"]
COUPLING = Kind("no unit")


class AdaptingState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    w: Tensor | None = None  # adaptation current
    i: Tensor | None = None  # synaptic current
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


class AdaptingCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor | None
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    syn_decay: float | Tensor | None
    w_decay: float | Tensor | None
    pull: float | Tensor | None  # of v on w
    jump: float | Tensor | None
    rise: float | Tensor | None = None  # of what drives the membrane by itself
    onset: float | Tensor | None = None  # potential from which it does
    width: float | Tensor | None = None


class Adapting(Leaky, SpikingNeuron):
    """A membrane between a synaptic current i and an adaptation current w:

        tau_mem dv/dt = F(v) - w + i                             F: of the subclass
        tau_syn di/dt = -i,                i += x                (i = x where tau_syn is None)
        tau_w   dw/dt = a (v - v_rest) - w,  w += b at a spike   (no w where tau_w is None)

    Args:
        values: name -> (value, Kind) of the subclass's own parameters.
        tau_syn: synaptic time constant, s, > 0 and >= dt / 2; None: the input is the current itself.
        synapse: whether the input of a step reaches the membrane in that step ("decay_then_add"), already decayed
            ("add_then_decay", and so does b in w), or one step later ("next_step": v[t] is driven by i[t-1]).
        tau_w: time constant of the adaptation, s, > 0 and >= dt / 2; None: no adaptation.
        a: pull of the membrane on w, no unit; above 0 it adapts below threshold, below 0 it is drawn away.
        b: what a spike adds to w, unit of v.
        w_follows: the potential that pulls w: "before" this step, or "charged" by it (and not yet reset).
        v_start: potential before the first step, unit of v; None: v_rest.
        conventions: of the bases.

    Raises:
        UserError: a value out of range or an unknown option; a or b without tau_w.
    """

    State = AdaptingState

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        tau_syn: Value | None = None,
        synapse: Synapse = "decay_then_add",
        tau_w: Value | None = None,
        a: Value = 0.0,
        b: Value = 0.0,
        w_follows: Follows = "before",
        v_start: Value | None = None,
        **conventions,
    ):
        optional = {"tau_syn": (tau_syn, TIME), "tau_w": (tau_w, TIME), "v_start": (v_start, POTENTIAL)}
        own = {"a": (a, COUPLING), "b": (b, POTENTIAL)}
        given = {name: pair for name, pair in optional.items() if pair[0] is not None}
        super().__init__({**given, **own, **(values or {})}, **conventions)
        for name in optional.keys() - given.keys():
            setattr(self, name, None)
        owner = type(self).__name__
        self.synapse = one_of(owner, "synapse", synapse, Synapse)
        self.w_follows = one_of(owner, "w_follows", w_follows, Follows)
        if tau_w is None and (any(self.lowest[n] or self.highest[n] for n in own) or {"a", "b"} & set(self.learnable)):
            raise self.wrong(
                "a and b have no effect without an adaptation", "set            tau_w: its time constant, s"
            )

    def coefficients(self, dt: float) -> AdaptingCoefficients:
        w_decay = pull = jump = None
        if self.tau_w is not None:
            w_decay, jump = decay_factor(self.tau_w, dt, self.decay), self.b
            pull = None if isinstance(self.a, float) and self.a == 0 else (1 - w_decay) * self.a
        syn_decay = None if self.tau_syn is None else decay_factor(self.tau_syn, dt, self.decay)
        currents = {"syn_decay": syn_decay, "w_decay": w_decay, "pull": pull, "jump": jump}
        return AdaptingCoefficients(**self.membrane(dt), **self.firing(dt), **currents)

    def initial_state(self, x0: Tensor) -> AdaptingState:
        v = self.resting(x0) if self.v_start is None else zeros(x0) + self.v_start
        w, i = (None if tau is None else zeros(x0) for tau in (self.tau_w, self.tau_syn))
        return AdaptingState(v, w, i, **self.rested(x0))

    def step(self, x: Tensor, state: AdaptingState, coefs: AdaptingCoefficients) -> tuple[Tensor, AdaptingState]:
        current, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        v = self.passive(state.v, coefs)
        if state.w is not None:
            v = v - gained(state.w, coefs.gain)
        v = self.receive(v, gained(current, coefs.gain), state, coefs)
        s, after, due, refractory = self.spike(v, coefs.threshold, state, coefs)
        w = None if state.w is None else self._adapted(state.w, v if self.w_follows == "charged" else state.v, s, coefs)
        return s, AdaptingState(after, w, i, due, refractory)

    def passive(self, v: Tensor, coefs: AdaptingCoefficients) -> Tensor:
        """The membrane after one step without i and w; here it leaks: F(v) = v_rest - v."""
        return leaked(v, coefs)

    def _adapted(self, w: Tensor, v: Tensor, s: Tensor, coefs: AdaptingCoefficients) -> Tensor:
        jump = coefs.jump * s
        w = coefs.w_decay * (w + jump) if self.synapse == "add_then_decay" else coefs.w_decay * w + jump
        if coefs.pull is None:
            return w
        return w + coefs.pull * (v if coefs.v_rest is None else v - coefs.v_rest)
