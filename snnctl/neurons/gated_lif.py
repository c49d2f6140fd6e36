"""GatedLIF: a leaky integrate-and-fire neuron that learns which kind of neuron it is."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.kernels import backend as backends
from snnctl.kernels.backend import Choice
from snnctl.kernels.program import Program
from snnctl.neurons.leaky import decay_factor
from snnctl.neurons.quantity import POTENTIAL, TIME, Kind, Value, one_of
from snnctl.neurons.sequence import zeros
from snnctl.neurons.threshold import Threshold

Conductance = Literal["shared", "step"]
SHARE = Kind("no unit", above=0.0)  # between 0 and 1, learned as its logit
GATES = ("leak_gate", "input_gate", "reset_gate", "conductance")


class GatedLIFState(NamedTuple):
    """Between two steps, each (B, ...); None where no option needs it."""

    s: Tensor  # spike of the last step, whose reset is due
    v: Tensor  # membrane potential
    done: Tensor | None = None  # steps so far, where each has a conductance of its own


class GatedLIFCoefficients(NamedTuple):
    """Derived from the parameters at one dt."""

    kept: float | Tensor
    leak: float | Tensor
    gain: float | Tensor | None  # None: the input has been scaled
    reset_share: float | Tensor
    v_subtract: float | Tensor
    threshold: float | Tensor


class GatedLIF(Threshold):
    """Gated leaky integrate-and-fire neuron. Each of leak, input and reset is a learned mixture of two kinds:

        kept = 1 - a (1 - exp(-dt / tau_mem))                      a: exponential leak, 1 - a: linear leak
        gain = 1 - b (1 - g)                                       b: input times conductance g, 1 - b: input as it is
        v[t] = kept v[t-1] - (1 - a) leak dt + gain x[t]
               - s[t-1] (c kept v[t-1] + (1 - c) v_subtract)       c: to zero, 1 - c: by subtraction
        s[t] = 1 if v[t] >= threshold

    with the gates a, b, c in (0, 1). All of them, tau_mem, leak, v_subtract, threshold and g are meant to be learned
    (`learnable`), one a channel (`per: channel`).

    Args:
        leak_gate, input_gate, reset_gate: a, b, c, between 0 and 1, no unit.
        tau_mem: membrane time constant, s, > 0 and >= dt / 2.
        leak: linear leak, unit of v / s, above 0.
        v_subtract: what a spike takes away, unit of v, above 0.
        conductance: g, between 0 and 1, no unit.
        conductances: "shared" by all steps, or one a "step", for sequences of `steps` steps.
        steps: time steps of a sequence; the network fills it in.
        threshold, fire, surrogate, conventions: of `Threshold`.

    Raises:
        UserError: a value out of range, an unknown option or parameter name; a time constant below dt / 2; more steps
            than conductances.

    Source: X. Yao et al., "GLIF: a unified gated leaky integrate-and-fire neuron for spiking neural networks", NeurIPS
    2022, arXiv:2210.13768.
    """

    State = GatedLIFState

    def __init__(
        self,
        *,
        leak_gate: Value = 0.5,
        input_gate: Value = 0.5,
        reset_gate: Value = 0.5,
        tau_mem: Value = 20e-3,
        leak: Value = 1.0,
        v_subtract: Value = 1.0,
        conductance: Value = 0.5,
        conductances: Conductance = "shared",
        steps: int | None = None,
        **conventions,
    ):
        above_0 = Kind("unit of v", above=0.0)
        values = {"tau_mem": (tau_mem, TIME), "leak": (leak, POTENTIAL), "v_subtract": (v_subtract, above_0)}
        shares = dict(zip(GATES, (leak_gate, input_gate, reset_gate, conductance), strict=True))
        super().__init__({**{name: (share, SHARE) for name, share in shares.items()}, **values}, **conventions)
        self.conductances = one_of(type(self).__name__, "conductances", conductances, Conductance)
        self.steps = steps
        for name in GATES:
            if self.highest[name] >= 1:
                raise self.wrong(f"{name} is {self.highest[name]:g}", "range          between 0 and 1, no unit")
        if self.lowest["leak"] < 0:
            raise self.wrong(f"leak is {self.lowest['leak']:g} (unit of v / s)", "range          0 and above")
        if self.conductances == "step":
            if type(steps) is not int or steps < 1:
                raise self.wrong(
                    f"conductances: step with {steps} steps",
                    "give           steps, or a data set of fixed length, or conductances: shared",
                )
            value = torch.as_tensor(self.conductance).detach().expand((steps, *torch.as_tensor(self.conductance).shape))
            vars(self).pop("conductance", None), self._buffers.pop("conductance", None)
            if "conductance" in self.learnable:
                self._parameters["conductance"] = nn.Parameter(value.clone())
            else:
                self.register_buffer("conductance", value.clone())
        for name in GATES:
            if name in self._parameters:
                self.register_parameter(f"logit_{name}", nn.Parameter(torch.logit(self._parameters.pop(name).detach())))

    def __getattr__(self, name: str) -> Any:
        logit = self.__dict__.get("_parameters", {}).get(f"logit_{name}")
        return super().__getattr__(name) if logit is None else torch.sigmoid(logit)

    def coefficients(self, dt: float) -> GatedLIFCoefficients:
        self.check_step(dt)
        a = self.leak_gate
        return GatedLIFCoefficients(
            kept=1 - a * (1 - decay_factor(self.tau_mem, dt, "exact")),
            leak=(1 - a) * self.leak * dt,
            gain=1 - self.input_gate * (1 - self.conductance),
            reset_share=self.reset_gate,
            v_subtract=(1 - self.reset_gate) * self.v_subtract,
            threshold=self.threshold,
        )

    def initial_state(self, x0: Tensor) -> GatedLIFState:
        return GatedLIFState(zeros(x0), zeros(x0), zeros(x0) if self.conductances == "step" else None)

    def step(self, x: Tensor, state: GatedLIFState, coefs: GatedLIFCoefficients) -> tuple[Tensor, GatedLIFState]:
        if self._unscaled(coefs):
            raise self.wrong(
                "conductances: step needs the whole sequence at once, which a recurrent layer cannot give",
                "set            conductances: shared",
            )
        kept = coefs.kept * state.v
        v = kept - coefs.leak + (x if coefs.gain is None else coefs.gain * x)
        v = v - state.s * (coefs.reset_share * kept + coefs.v_subtract)
        s = self.fired(v, coefs.threshold)
        return s, GatedLIFState(s, v, None if state.done is None else state.done.detach() + 1)

    def program(self, state: NamedTuple, coefs: GatedLIFCoefficients) -> Program | None:
        """As of any neuron, of a step whose input has been scaled."""
        return None if self._unscaled(coefs) else super().program(state, coefs)

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """As `Neuron.runs_on`."""
        if self.conductances == "step":
            return backends.choose(self.backend, x0, device)
        return super().runs_on(x0, dt, device)

    def _unscaled(self, coefs: GatedLIFCoefficients) -> bool:
        return self.conductances == "step" and coefs.gain is not None

    def _begin(self, x: Tensor, state: NamedTuple | None, dt: float) -> tuple[Tensor, NamedTuple, NamedTuple]:
        given, state, coefs = super()._begin(x, state, dt)
        if not self._unscaled(coefs):
            return given, state, coefs
        start = int(state.done.flatten()[0]) if state.done.numel() and not state.done.is_meta else 0
        if start + len(x) > self.steps:
            raise self.wrong(
                f"{start + len(x)} steps, with a conductance for each of {self.steps}",
                "set            conductances: shared",
            )
        gain = coefs.gain[start : start + len(x)]
        each = gain.shape[1:] or [1] * (x.dim() - 2)
        return given * gain.view(len(x), 1, *each), state, coefs._replace(gain=None)
