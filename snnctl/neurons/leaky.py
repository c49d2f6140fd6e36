"""How a membrane leaks and takes its input: the conventions of every leaky neuron, written once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.node import Drive
from snnctl.neurons.quantity import POTENTIAL, TIME, Kind, Value, one_of
from snnctl.neurons.sequence import zeros

Decay = Literal["exact", "euler", "bitshift"]
Gain = float | Literal["1-decay", "dt/tau"]


class Leaky(Neuron):
    """A membrane that relaxes to rest: tau_mem dv/dt = v_rest - v + input, of which one step is

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain x[t]

    Args:
        values: name -> (value, Kind) of the subclass's own parameters.
        tau_mem: membrane time constant, s, > 0 and >= dt / 2.
        v_rest: potential that it relaxes to and starts at, unit of v.
        decay: "exact" exp(-dt / tau); "euler" 1 - dt / tau; or "bitshift" 1 - 2^-n, n = log2(tau / dt) rounded to a
            whole number: what fixed-point hardware gets from v - (v >> n).
        input_gain: a number; "1-decay", at which a constant input x leads to v_rest + x at any tau; or "dt/tau".
        conventions: of the bases.

    Raises:
        UserError: a value out of range or an unknown option.
    """

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        tau_mem: Value = 20e-3,
        v_rest: Value = 0.0,
        decay: Decay = "exact",
        input_gain: Gain = 1.0,
        **conventions,
    ):
        own = {"tau_mem": (tau_mem, TIME), "v_rest": (v_rest, POTENTIAL)}
        super().__init__({**own, **(values or {})}, **conventions)
        self.decay = one_of(type(self).__name__, "decay", decay, Decay)
        self.input_gain = checked_gain(type(self).__name__, "input_gain", input_gain)

    def membrane(self, dt: float) -> dict[str, float | Tensor | None]:
        """The coefficients decay, gain and v_rest; None for a gain of 1 and a rest of 0, which cost no operation."""
        self.check_step(dt)
        decay = decay_factor(self.tau_mem, dt, self.decay)
        v_rest = None if isinstance(self.v_rest, float) and self.v_rest == 0 else self.v_rest
        return {"decay": decay, "gain": gain_factor(self.input_gain, decay, self.tau_mem, dt), "v_rest": v_rest}

    def drives(self, dt: float) -> dict[str, Drive]:
        """r, the constant potential above v_rest that a constant input of 1 leads to."""
        coefs, tau = self.membrane(dt), continuous_tau(self.tau_mem, dt, self.decay)
        return {"r": Drive(1.0 if coefs["gain"] is None else coefs["gain"], 1 - coefs["decay"], dt / tau)}

    def resting(self, x0: Tensor) -> Tensor:
        """v before the first step, in x0's shape."""
        v = zeros(x0)
        return v if isinstance(self.v_rest, float) and self.v_rest == 0 else v + self.v_rest


def leaked(v: Tensor, coefs) -> Tensor:
    """v_rest + decay (v - v_rest)"""
    # Plain mul and add everywhere: torch.add(alpha=) and addcmul round once where a kernel rounds twice.
    return coefs.decay * v if coefs.v_rest is None else coefs.v_rest + coefs.decay * (v - coefs.v_rest)


def gained(x: Tensor, gain: float | Tensor | None) -> Tensor:
    """gain x, where None is a gain of 1."""
    return x if gain is None else gain * x


def decay_factor(tau: float | Tensor, dt: float, decay: Decay) -> float | Tensor:
    """What is left of a value after one step: exp(-dt / tau), 1 - dt / tau by Euler's rule, or 1 - 2^-n by a shift.

    A learned tau is kept at dt / 2 and above under Euler, below which the membrane would oscillate and grow. Through
    the rounding of n the gradient passes as Euler's.
    """
    if decay != "exact":
        euler = 1 - dt / (tau.clamp(min=dt / 2) if isinstance(tau, Tensor) else tau)
        return euler if decay == "euler" else _shifted(tau, dt, euler)
    return torch.exp(-dt / tau) if isinstance(tau, Tensor) else math.exp(-dt / tau)


def continuous_tau(tau: float | Tensor, dt: float, decay: Decay) -> float | Tensor:
    """The time constant, s, of the equation that this decay is the exact solution, or else an Euler step, of."""
    if decay == "bitshift":
        return dt / (1 - decay_factor(tau, dt, decay))
    return tau.clamp(min=dt / 2) if decay == "euler" and isinstance(tau, Tensor) else tau


def _shifted(tau: float | Tensor, dt: float, euler: float | Tensor) -> float | Tensor:
    if not isinstance(tau, Tensor):
        return 1 - 2.0 ** -max(0, round(math.log2(tau / dt)))
    shift = torch.log2(tau / dt).round().clamp(min=0)
    return (1 - torch.exp2(-shift)).detach() + (euler - euler.detach())


def gain_factor(gain: Gain, decay: float | Tensor, tau: float | Tensor, dt: float) -> float | Tensor | None:
    """The factor of what is added in a step; None for 1."""
    if gain == "1-decay":
        return 1 - decay
    if gain == "dt/tau":
        return dt / tau
    return None if gain == 1 else float(gain)


def checked_gain(owner: str, option: str, gain: Gain) -> Gain:
    """A finite number, "1-decay" or "dt/tau", else a UserError."""
    if isinstance(gain, int | float) and not isinstance(gain, bool) and math.isfinite(gain):
        return float(gain)
    if gain in ("1-decay", "dt/tau"):
        return gain
    raise UserError(f"{owner}: {option} is {gain!r}", "choose from    a number (no unit), 1-decay, dt/tau")


def checked_floor(owner: str, v_min: float | None) -> float | None:
    """A finite number, unit of v, or None, else a UserError."""
    if v_min is None or (isinstance(v_min, int | float) and not isinstance(v_min, bool) and math.isfinite(v_min)):
        return None if v_min is None else float(v_min)
    raise UserError(f"{owner}: v_min is {v_min!r}", "range          a finite number, unit of v, or null for none")
