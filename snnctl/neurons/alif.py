"""ALIF: a leaky integrate-and-fire neuron whose threshold rises with its own spikes."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Gain, Leaky, checked_gain, decay_factor, gain_factor, gained, leaked
from snnctl.neurons.quantity import POTENTIAL, TIME, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.synapse import Synapse, arrived

Adaptation = Literal["compare_then_decay", "decay_then_compare"]


class ALIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    a: Tensor  # adaptation
    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left
    i: Tensor | None = None  # synaptic current


class ALIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    beta: float | Tensor
    adapt_decay: float | Tensor
    adapt_gain: float | Tensor | None  # None is 1
    syn_decay: float | Tensor | None  # None: no synapse


class ALIF(Leaky, SpikingNeuron):
    """Adaptive leaky integrate-and-fire neuron: each spike raises the threshold, which relaxes with tau_adapt.

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        A[t] = threshold + beta a[t-1]                             (decay_then_compare: beta adapt_decay a[t-1])
        s[t] = 1 if v[t] >= A[t]
        v[t] = v[t] - s[t] A[t]
        a[t] = adapt_decay a[t-1] + adapt_gain s[t]                adapt_decay = exp(-dt / tau_adapt)

    Args:
        tau_adapt: time constant of the adaptation, s, > 0 and >= dt / 2.
        beta: rise of the threshold per unit of a, unit of v. With an adapt_gain of "1-decay" a neuron that fires at
            every step ends at threshold + beta.
        adapt_gain: what a spike adds to a: "1-decay" (Bellec et al. 2018, Sinabs), a number (1: Bellec et al. 2020,
            BindsNET, Norse) or "dt/tau".
        adaptation: whether a[t-1] has decayed by the time v is compared with A[t].
        detach_adaptation: no gradient flows from a into the spikes that raised it.
        detach_threshold: no gradient flows from a spike into the A that v was compared with (Sinabs).
        tau_syn: time constant of a synaptic current in front of the membrane, as in `CubaLIF`, s, > 0 and >= dt / 2;
            None for none.
        synapse: order of its decay and arrival, as in `CubaLIF`.
        conventions: tau_mem, v_rest, decay (of both), input_gain of `Leaky`; threshold, v_reset, fire, reset,
            reset_delay, detach_reset, max_spikes, refractory, surrogate of `SpikingNeuron`; learnable, per, shape of
            `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: G. Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking neurons", NeurIPS
    2018, arXiv:1803.09574.
    """

    State = ALIFState

    def __init__(
        self,
        *,
        tau_adapt: Value = 200e-3,
        beta: Value = 1.8,
        adapt_gain: Gain = "1-decay",
        adaptation: Adaptation = "compare_then_decay",
        detach_adaptation: bool = False,
        detach_threshold: bool = False,
        tau_syn: Value | None = None,
        synapse: Synapse = "decay_then_add",
        **conventions,
    ):
        own = {"tau_adapt": (tau_adapt, TIME), "beta": (beta, POTENTIAL)}
        super().__init__(own if tau_syn is None else {**own, "tau_syn": (tau_syn, TIME)}, **conventions)
        owner = type(self).__name__
        if tau_syn is None:
            self.tau_syn = None
        self.adapt_gain = checked_gain(owner, "adapt_gain", adapt_gain)
        self.adaptation = one_of(owner, "adaptation", adaptation, Adaptation)
        self.detach_adaptation = one_of(owner, "detach_adaptation", detach_adaptation, Literal[True, False])
        self.detach_threshold = one_of(owner, "detach_threshold", detach_threshold, Literal[True, False])
        self.synapse = one_of(owner, "synapse", synapse, Synapse)

    def coefficients(self, dt: float) -> ALIFCoefficients:
        membrane, firing = self.membrane(dt), self.firing(dt)
        adapt_decay = decay_factor(self.tau_adapt, dt, self.decay)
        return ALIFCoefficients(
            **membrane,
            **firing,
            beta=self.beta,
            adapt_decay=adapt_decay,
            adapt_gain=gain_factor(self.adapt_gain, adapt_decay, self.tau_adapt, dt),
            syn_decay=None if self.tau_syn is None else decay_factor(self.tau_syn, dt, self.decay),
        )

    def initial_state(self, x0: Tensor) -> ALIFState:
        i = None if self.tau_syn is None else zeros(x0)
        return ALIFState(zeros(x0), self.resting(x0), **self.rested(x0), i=i)

    def step(self, x: Tensor, state: ALIFState, coefs: ALIFCoefficients) -> tuple[Tensor, ALIFState]:
        current, i = arrived(x, state.i, coefs.syn_decay, self.synapse)
        v = self.receive(leaked(state.v, coefs), gained(current, coefs.gain), state, coefs)
        left = coefs.adapt_decay * state.a
        threshold = coefs.threshold + coefs.beta * (left if self.adaptation == "decay_then_compare" else state.a)
        s, *after = self.spike(v, threshold, state, coefs, threshold.detach() if self.detach_threshold else None)
        a = left + gained(s.detach() if self.detach_adaptation else s, coefs.adapt_gain)
        return s, ALIFState(a, *after, i)
