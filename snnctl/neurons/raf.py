"""RAF: the resonate-and-fire neuron, which answers to a rhythm."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.at_once import AtOnce
from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.quantity import TIME, Kind, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import Reset

FREQUENCY = Kind("Hz", above=0.0, log=True)


class RAFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # potential, which fires
    u: Tensor  # current, which takes the input
    due: Tensor | None = None  # never
    refractory: Tensor | None = None  # steps left


class RAFCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    cos: float | Tensor  # of the turn in one step, times the decay
    sin: float | Tensor


class RAF(AtOnce):
    """Resonate-and-fire neuron: z = u + j v turns at a frequency of its own while it decays, and fires at v,

        dz/dt = (-1 / tau_mem + j 2 pi frequency) z + x

    of which one step is, exactly,

        u[t] = decay (u[t-1] cos - v[t-1] sin) + x[t]         decay = exp(-dt / tau_mem)
        v[t] = decay (u[t-1] sin + v[t-1] cos)                cos, sin of 2 pi frequency dt
        s[t] = 1 if v[t] >= threshold
        v[t] = (1 - s[t]) v[t]                                (u as well with reset_u)

    An input reaches v a quarter of a turn later; a train of inputs at the neuron's frequency adds up, others cancel.

    Args:
        tau_mem: time constant of the decay, s, > 0 and >= dt / 2; -1 / b in the paper.
        frequency: of the turn, Hz, > 0 and at most 1 / (2 dt); omega / (2 pi) in the paper.
        reset_u: a spike sets u to zero too.
        conventions: those of `SpikingNeuron` but reset_delay (they act on v); learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2, a frequency
            above 1 / (2 dt).

    Source: E. M. Izhikevich, "Resonate-and-fire neurons", Neural Networks 14 (2001),
    doi:10.1016/S0893-6080(01)00078-8.
    """

    State = RAFState

    def __init__(
        self,
        *,
        tau_mem: Value = 50e-3,
        frequency: Value = 10.0,
        reset_u: bool = False,
        reset: Reset = "zero",
        **conventions,
    ):
        super().__init__({"tau_mem": (tau_mem, TIME), "frequency": (frequency, FREQUENCY)}, reset=reset, **conventions)
        self.reset_u = one_of(type(self).__name__, "reset_u", reset_u, Literal[True, False])

    def coefficients(self, dt: float) -> RAFCoefficients:
        firing = self.firing(dt)
        if self.highest["frequency"] > 0.5 / dt:
            problem = f"frequency is {self.highest['frequency']:g} Hz, more than half a turn in a step of {dt:g} s"
            raise self.wrong(problem, f"range          above 0 and up to 1 / (2 dt) = {0.5 / dt:g} Hz")
        decay, angle = decay_factor(self.tau_mem, dt, "exact"), 2 * math.pi * dt * self.frequency
        functions = torch if isinstance(angle, Tensor) else math
        return RAFCoefficients(**firing, cos=decay * functions.cos(angle), sin=decay * functions.sin(angle))

    def initial_state(self, x0: Tensor) -> RAFState:
        return RAFState(zeros(x0), zeros(x0), **self.rested(x0))

    def step(self, x: Tensor, state: RAFState, coefs: RAFCoefficients) -> tuple[Tensor, RAFState]:
        u = coefs.cos * state.u - coefs.sin * state.v + self.heard(x, state)
        v = coefs.sin * state.u + coefs.cos * state.v
        s, v, _, refractory = self.spike(v, coefs.threshold, state, coefs)
        if self.reset_u:
            u = u * (1 - (s.detach() if self.detach_reset else s))
        return s, RAFState(v, u, None, refractory)
