"""CSRM: the spike response model with kernels, cut off to windows of past inputs and spikes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons.leaky import Leaky, decay_factor, gained, leaked
from snnctl.neurons.quantity import POTENTIAL, TIME, Kind, Value, one_of
from snnctl.neurons.response import Response, response, taps
from snnctl.neurons.sequence import zeros
from snnctl.neurons.spiking import DEFAULT_SURROGATE, Fire
from snnctl.neurons.stepwise import Stepwise
from snnctl.surrogates import Surrogate

WINDOW = Kind("s", above=0.0)


class CSRMState(NamedTuple):
    """Between two steps; None before the first."""

    v: Tensor  # membrane potential, (B, ...)
    a: Tensor  # rise of the threshold, (B, ...)
    inputs: Tensor | None = None  # of the last steps, newest last, (B, ..., W)
    spikes: Tensor | None = None  # (B, ..., R)


class CSRMCoefficients(NamedTuple):
    """Derived from the parameters at one dt; None where no option needs it."""

    decay: float | Tensor
    gain: float | Tensor | None  # None is 1
    v_rest: float | Tensor | None  # None is 0
    threshold: float | Tensor
    adapt_decay: float | Tensor
    beta: float | Tensor
    response: Tensor  # (W,), newest last
    eta: Tensor  # (R,)


class CSRM(Leaky, Stepwise):
    """Cumulative spike response model: potentials are sums of kernels over past inputs and past spikes,

        v[t] = v_rest + decay (v[t-1] - v_rest) + gain sum_k response(k dt) x[t-k]
               - eta sum_k exp(-k dt / tau) s[t-1-k]
        s[t] = 1 if v[t] >= threshold + adapt_decay a[t-1]
        a[t] = adapt_decay a[t-1] + beta s[t]

    There is no reset: the refractory kernel eta pulls v down after a spike. The windows make it step by step.

    Args:
        response: shape of the response to an input (`snnctl.neurons.response`).
        tau: time constant of the kernels, s, > 0 and >= dt / 2.
        window: where the response is cut off, s, >= dt.
        eta: depth of the refractory kernel, unit of v.
        refractory_window: where it is cut off, s, >= dt.
        threshold: unit of v, above where v starts.
        tau_adapt, beta: time constant, s, and rise a spike, unit of v, of the threshold; beta 0 for a fixed one.
        v_start: potential before the first step, unit of v; None: v_rest.
        fire: "ge" fires at v >= threshold, "gt" at v > threshold.
        surrogate: the gradient of a spike.
        conventions: tau_mem, v_rest, decay, input_gain of `Leaky`; learnable, per, shape of `Neuron`, where the
            numbers of the kernels are one for the layer.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 6.4; W. Gerstner,
    J. L. van Hemmen, J. D. Cowan, "What matters in neuronal locking?", Neural Computation 8 (1996),
    doi:10.1162/neco.1996.8.8.1653.
    """

    spiking = True
    State = CSRMState
    why = "its kernels reach over many steps"

    def __init__(
        self,
        *,
        response: Response = "exponential",
        tau: Value = 20e-3,
        window: Value = 100e-3,
        eta: Value = 1.0,
        refractory_window: Value = 100e-3,
        threshold: Value = 1.0,
        tau_adapt: Value = 200e-3,
        beta: Value = 0.0,
        v_start: Value | None = None,
        fire: Fire = "ge",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        **conventions,
    ):
        own = {
            "tau": (tau, TIME), "window": (window, WINDOW), "eta": (eta, POTENTIAL),
            "refractory_window": (refractory_window, WINDOW), "threshold": (threshold, POTENTIAL),
            "tau_adapt": (tau_adapt, TIME), "beta": (beta, POTENTIAL),
        }  # fmt: skip
        if v_start is not None:
            own["v_start"] = (v_start, POTENTIAL)
        super().__init__(own, **conventions)
        if v_start is None:
            self.v_start = None
        self.response = one_of(type(self).__name__, "response", response, Response)
        self.fire = one_of(type(self).__name__, "fire", fire, Fire)
        if not isinstance(surrogate, Surrogate):
            raise self.wrong(f"surrogate is {surrogate!r}", "wanted         an object, such as ATan(alpha=2)")
        self.surrogate = surrogate
        for name in ("tau", "window", "refractory_window", "eta"):
            if self.lowest[name] != self.highest[name] or (name in self.learnable and (self.per != "layer")):
                raise self.wrong(f"{name} is one number for the layer", "set            per: layer")
        for name in ("window", "refractory_window"):
            if name in self.learnable:
                raise self.wrong(f"{name} cannot be learned: it is a number of steps", "leave it out of learnable")
        start = "v_rest" if v_start is None else "v_start"
        if self.lowest["threshold"] <= self.highest[start]:
            limit = f"range          above {start} = {self.highest[start]:g}"
            raise self.wrong(f"threshold is {self.lowest['threshold']:g} (unit of v)", limit)

    def coefficients(self, dt: float) -> CSRMCoefficients:
        membrane = self.membrane(dt)
        for name in ("window", "refractory_window"):
            if self.lowest[name] < dt / 2:
                raise self.wrong(
                    f"{name} is {self.lowest[name]:g} s, below a step", f"range          {dt:g} s and above"
                )
        eta = self.eta * torch.exp(-taps(self.tau, dt, self.refractory_window) / self.tau)
        return CSRMCoefficients(
            **membrane, threshold=self.threshold,
            adapt_decay=decay_factor(self.tau_adapt, dt, self.decay), beta=self.beta,
            response=response(self.response, self.tau, dt, self.window).flip(0), eta=eta.flip(0),
        )  # fmt: skip

    def initial_state(self, x0: Tensor) -> CSRMState:
        return CSRMState(self.resting(x0) if self.v_start is None else zeros(x0) + self.v_start, zeros(x0))

    def step(self, x: Tensor, state: CSRMState, coefs: CSRMCoefficients) -> tuple[Tensor, CSRMState]:
        kernel, eta = coefs.response.to(x.dtype), coefs.eta.to(x.dtype)
        past = x.new_zeros(*x.shape, len(eta)) if state.spikes is None else state.spikes
        before = x.new_zeros(*x.shape, len(kernel)) if state.inputs is None else state.inputs
        inputs = torch.cat([before[..., 1:], x.unsqueeze(-1)], -1)
        v = leaked(state.v, coefs) + gained((inputs * kernel).sum(-1), coefs.gain) - (past * eta).sum(-1)
        a = coefs.adapt_decay * state.a
        s = self.surrogate(v - (coefs.threshold + a), self.fire == "gt")
        spikes = torch.cat([past[..., 1:], s.unsqueeze(-1)], -1)
        return s, CSRMState(v, a + coefs.beta * s, inputs, spikes)
