"""AlphaLIF: a neuron whose membrane is the response of alpha-shaped synapses."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.quantity import TIME, Value
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import Reset, SpikingNeuron


class AlphaLIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    falling: Tensor  # slow trace of the input
    rising: Tensor  # fast trace, negative
    v: Tensor  # membrane potential
    due: Tensor | None = None  # reset that acts at the next step
    refractory: Tensor | None = None  # steps left


class AlphaLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    fall: float | Tensor
    rise: float | Tensor
    gain: float | Tensor
    threshold: float | Tensor
    v_reset: None
    refractory: float | None  # steps


class AlphaLIF(SpikingNeuron):
    """Spike response neuron with a kernel that rises with tau_rise and falls with tau_fall: an input x at time 0 gives
    v(t) = gain x (exp(-t / tau_fall) - exp(-t / tau_rise)), of which one step is

        falling[t] = exp(-dt / tau_fall) falling[t-1] + x[t]
        rising[t]  = exp(-dt / tau_rise) rising[t-1] - x[t]
        v[t]       = gain (falling[t] + rising[t])             gain = tau_fall / (tau_fall - tau_rise)
        s[t]       = 1 if v[t] >= threshold

    and a reset to zero empties both traces with v.

    Args:
        tau_fall: time constant of the fall, s, > tau_rise and >= dt / 2.
        tau_rise: time constant of the rise, s, > 0 and >= dt / 2.
        reset: "zero" or "none".
        conventions: threshold, fire, reset_delay (both ways the same), detach_reset, refractory, surrogate of
            `SpikingNeuron`, its others at their defaults; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, sections 3.1 and 6.4; W. Rall,
    Journal of Neurophysiology 30 (1967), doi:10.1152/jn.1967.30.5.1138.
    """

    State = AlphaLIFState

    def __init__(self, *, tau_fall: Value = 10e-3, tau_rise: Value = 5e-3, reset: Reset = "zero", **conventions):
        super().__init__({"tau_fall": (tau_fall, TIME), "tau_rise": (tau_rise, TIME)}, reset=reset, **conventions)
        if self.lowest["tau_fall"] <= self.highest["tau_rise"]:
            raise self.wrong(
                f"tau_fall is {self.lowest['tau_fall']:g} s",
                f"range          above tau_rise = {self.highest['tau_rise']:g} s",
            )
        if self.reset not in ("zero", "none"):
            raise self.wrong(f"reset is {self.reset!r}", "choose from    zero, none")
        plain = {"max_spikes": 1, "rounding": "down", "ternary": False, "v_min": None, "refractory_mode": "leak"}
        for option, value in plain.items():
            if getattr(self, option) != value:
                raise self.wrong(f"{option} is {getattr(self, option)!r}", f"set            {option}: {value}")

    def coefficients(self, dt: float) -> AlphaLIFCoefficients:
        firing = self.firing(dt)
        fall, rise = (decay_factor(tau, dt, "exact") for tau in (self.tau_fall, self.tau_rise))
        return AlphaLIFCoefficients(fall, rise, self.tau_fall / (self.tau_fall - self.tau_rise), **firing)

    def initial_state(self, x0: Tensor) -> AlphaLIFState:
        return AlphaLIFState(zeros(x0), zeros(x0), zeros(x0), **self.rested(x0))

    def step(self, x: Tensor, state: AlphaLIFState, coefs: AlphaLIFCoefficients) -> tuple[Tensor, AlphaLIFState]:
        if state.refractory is not None:
            x = x * (state.refractory <= 0)
        falling, rising = coefs.fall * state.falling + x, coefs.rise * state.rising - x
        if state.due is not None:
            falling, rising = falling * (1 - state.due), rising * (1 - state.due)
        v = coefs.gain * (falling + rising)
        s, v, due, refractory = self.spike(v, coefs.threshold, state, coefs)
        if self.reset == "zero" and due is None:
            kept = 1 - (s.detach() if self.detach_reset else s)
            falling, rising = falling * kept, rising * kept
        return s, AlphaLIFState(falling, rising, v, due, refractory)
