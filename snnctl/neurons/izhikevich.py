"""Izhikevich: two equations that fire in all the patterns of cortical neurons."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from snnctl.neurons.adapting import Follows
from snnctl.neurons.at_once import AtOnce
from snnctl.neurons.qif import FARTHEST
from snnctl.neurons.quantity import POTENTIAL, Kind, Value, one_of, plain
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import Reset

NUMBER = Kind("no unit")
SCALE = Kind("s, of the equations' time", above=0.0, log=True)  # no time constant: substeps allow a shorter one
MOST_SUBSTEPS = 16


class IzhikevichState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    v: Tensor  # membrane potential
    u: Tensor  # recovery
    due: Tensor | None = None  # never
    refractory: Tensor | None = None  # steps left


class IzhikevichCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    threshold: float | Tensor
    v_reset: float | Tensor | None
    refractory: float | None  # steps
    square: float | Tensor
    linear: float | Tensor
    constant: float | Tensor
    b: float | Tensor
    d: float | Tensor
    rate: float | Tensor  # of v in a substep
    u_rate: float | Tensor  # of u in a step


class Izhikevich(AtOnce):
    """Izhikevich's simple model, in his units (millivolts, and time in milliseconds where tau is 1 ms):

        tau dv/dt = square v^2 + linear v + constant - u + x
        tau du/dt = a (b v - u)                 at v >= threshold:  v = v_reset (his c),  u += d

    of which one step is, by Euler's rule,

        v[t] = v[t-1] + dt / tau (square v[t-1]^2 + linear v[t-1] + constant - u[t-1] + x[t])     (substeps of them)
        u[t] = u[t-1] + dt / tau a (b v[t-1] - u[t-1])
        s[t] = 1 if v[t] >= threshold
        v[t] = (1 - s[t]) v[t] + s[t] v_reset,  u[t] = u[t] + s[t] d

    In the square v is held within 1e4 of zero, so that nothing overflows. `neuron/izhikevich/*.yaml` are the twenty
    firing patterns of the paper. With rest and critical potential instead of these letters: `QIF`.

    Args:
        a: rate of recovery, per tau; small is slow.
        b: pull of v on u.
        d: what a spike adds to u, mV.
        v_reset: potential after a spike, mV; his c.
        threshold: peak of a spike, mV.
        square, linear, constant: of the parabola: 0.04 / mV, 5, 140 mV in the paper.
        tau: unit of the equations' time, s: 1 ms in the paper. dt = 1 ms with tau = 4 ms are its steps of 0.25 ms.
        substeps: Euler steps of v within one step, 1 to 16; dt / substeps is at most 2 tau.
        u_follows: the potential that pulls u: "before" this step, or "charged" by it (and not yet reset).
        v_start: potential before the first step, mV; None: v_reset.
        u_start: u before the first step, mV; None: b v_start.
        detach_reset: no gradient flows from the reset into the spike, where a jump of 95 mV would let it grow
            without bound.
        conventions: those of `SpikingNeuron` but reset_delay; learnable, per, shape of `Neuron`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; dt too long for tau.

    Source: E. M. Izhikevich, "Simple model of spiking neurons", IEEE Transactions on Neural Networks 14 (2003),
    doi:10.1109/TNN.2003.820440; the patterns: "Which model to use for cortical spiking neurons?", same journal 15
    (2004), doi:10.1109/TNN.2004.832719.
    """

    State = IzhikevichState

    def __init__(
        self,
        *,
        a: Value = 0.02,
        b: Value = 0.2,
        d: Value = 8.0,
        v_reset: Value = -65.0,
        threshold: Value = 30.0,
        square: Value = 0.04,
        linear: Value = 5.0,
        constant: Value = 140.0,
        tau: Value = 1e-3,
        substeps: int = 1,
        u_follows: Follows = "before",
        v_start: Value | None = None,
        u_start: Value | None = None,
        reset: Reset = "value",
        detach_reset: bool = True,
        **conventions,
    ):
        if v_start is None:
            v_start = plain(type(self).__name__, "v_reset", v_reset, POTENTIAL)  # a wrong one is v_reset's mistake
        own = {
            "a": (a, NUMBER), "b": (b, NUMBER), "d": (d, POTENTIAL), "square": (square, NUMBER),
            "linear": (linear, NUMBER), "constant": (constant, POTENTIAL), "tau": (tau, SCALE),
            "v_start": (v_start, POTENTIAL),
        }  # fmt: skip
        if u_start is not None:
            own["u_start"] = (u_start, POTENTIAL)
        super().__init__(
            own, v_reset=v_reset, threshold=threshold, reset=reset, detach_reset=detach_reset, **conventions
        )
        if u_start is None:
            self.u_start = None
        self.u_follows = one_of(type(self).__name__, "u_follows", u_follows, Follows)
        if type(substeps) is not int or not 1 <= substeps <= MOST_SUBSTEPS:
            raise self.wrong(f"substeps is {substeps!r}", f"range          1 to {MOST_SUBSTEPS}")
        self.substeps = substeps

    def coefficients(self, dt: float) -> IzhikevichCoefficients:
        firing = self.firing(dt)
        if dt > 2 * self.lowest["tau"] * self.substeps:
            raise self.wrong(
                f"dt is {dt:g} s, at a tau of {self.lowest['tau']:g} s and {self.substeps} substeps",
                f"range          up to 2 tau substeps = {2 * self.lowest['tau'] * self.substeps:g} s",
            )
        return IzhikevichCoefficients(
            **firing, square=self.square, linear=self.linear, constant=self.constant, b=self.b, d=self.d,
            rate=dt / self.substeps / self.tau, u_rate=self.a * (dt / self.tau),
        )  # fmt: skip

    def initial_state(self, x0: Tensor) -> IzhikevichState:
        v = zeros(x0) + self.v_start
        return IzhikevichState(v, self.b * v if self.u_start is None else zeros(x0) + self.u_start, **self.rested(x0))

    def step(self, x: Tensor, state: IzhikevichState, coefs: IzhikevichCoefficients) -> tuple[Tensor, IzhikevichState]:
        v, x = state.v, self.heard(x, state)
        for _ in range(self.substeps):
            held = v.clamp(-FARTHEST, FARTHEST)
            parabola = coefs.square * (held * held) + coefs.linear * held + coefs.constant
            v = v + coefs.rate * (parabola - state.u + x)
        pulling = v if self.u_follows == "charged" else state.v
        u = state.u + coefs.u_rate * (coefs.b * pulling - state.u)
        s, v, _, refractory = self.spike(v, coefs.threshold, state, coefs)
        return s, IzhikevichState(v, u + coefs.d * s, None, refractory)
