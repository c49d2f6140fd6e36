"""ALIF: a leaky integrate-and-fire neuron whose threshold rises with its own spikes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import Gain, Leaky, checked_gain, decay_factor, gain_factor, gained, leaked
from snnctl.neurons.quantity import POTENTIAL, TIME, Value
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import SpikingNeuron


class ALIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    a: Tensor  # adaptation
    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


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


class ALIF(Leaky, SpikingNeuron):
    """Adaptive leaky integrate-and-fire neuron: each spike raises the threshold, which relaxes with tau_adapt.

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]        decay = exp(-dt / tau_mem), gain = 1
        A[t] = threshold + beta a[t-1]
        s[t] = 1 if v[t] >= A[t]
        v[t] = v[t] - s[t] A[t]
        a[t] = adapt_decay a[t-1] + adapt_gain s[t]                adapt_decay = exp(-dt / tau_adapt)

    Args:
        tau_adapt: time constant of the adaptation, s, > 0 and >= dt / 2.
        beta: rise of the threshold per unit of a, unit of v. With an adapt_gain of "1-decay" a neuron that fires at
            every step ends at threshold + beta.
        adapt_gain: what a spike adds to a: "1-decay" (Bellec et al. 2018, Sinabs), a number (1: Bellec et al. 2020,
            BindsNET, Norse) or "dt/tau".
        conventions: tau_mem, v_rest, decay (of both), input_gain of `Leaky`; threshold, v_reset, fire, reset,
            reset_delay, detach_reset, max_spikes, refractory, surrogate of `SpikingNeuron`; learnable, per, shape of
            `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: G. Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking neurons", NeurIPS
    2018, arXiv:1803.09574.
    """

    State = ALIFState

    def __init__(self, *, tau_adapt: Value = 200e-3, beta: Value = 1.8, adapt_gain: Gain = "1-decay", **conventions):
        super().__init__({"tau_adapt": (tau_adapt, TIME), "beta": (beta, POTENTIAL)}, **conventions)
        self.adapt_gain = checked_gain(type(self).__name__, "adapt_gain", adapt_gain)

    def coefficients(self, dt: float) -> ALIFCoefficients:
        membrane, firing = self.membrane(dt), self.firing(dt)
        adapt_decay = decay_factor(self.tau_adapt, dt, self.decay)
        return ALIFCoefficients(
            **membrane,
            **firing,
            beta=self.beta,
            adapt_decay=adapt_decay,
            adapt_gain=gain_factor(self.adapt_gain, adapt_decay, self.tau_adapt, dt),
        )

    def initial_state(self, x0: Tensor) -> ALIFState:
        return ALIFState(zeros(x0), self.resting(x0), **self.rested(x0))

    def step(self, x: Tensor, state: ALIFState, coefs: ALIFCoefficients) -> tuple[Tensor, ALIFState]:
        v = self.receive(leaked(state.v, coefs), gained(x, coefs.gain), state, coefs)
        threshold = coefs.threshold + coefs.beta * state.a
        s, *after = self.spike(v, threshold, state, coefs)
        a = coefs.adapt_decay * state.a + gained(s, coefs.adapt_gain)
        return s, ALIFState(a, *after)
