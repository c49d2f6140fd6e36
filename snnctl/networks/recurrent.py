"""A layer of neurons that sees its own outputs one step later."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.kernels import backend as backends
from snnctl.kernels.backend import Choice
from snnctl.networks.feedback import AllToAll
from snnctl.networks.hooks import unhooked
from snnctl.networks.place import Place, construct, unwrap
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.sequence import precision, stack, unbind


class RecurrentState(NamedTuple):
    """State of a recurrent layer: the neuron's own, and what the neurons gave at the last step (B, *shape)."""

    neuron: Any
    out: Tensor


class Recurrent(nn.Module):
    """Neurons whose outputs come back to them one step later.

        out[t] = neuron(x[t] + feedback(out[t - 1])),   out[-1] = 0

    Args:
        neuron: partial or built neuron; a plain activation (torch.nn.ReLU) makes a recurrent ANN.
        shape: of the neurons at one step; filled in by the network.
        feedback: partial of `AllToAll` (as if left out), `OneToOne`, `MapToMap`, or of a class of your own:
            (B, *shape) -> (B, *shape), called with the result of its `synapses()`.
        place: where the layer stands; filled in by the network.

    Attributes:
        feedback: the module of the recurrent weights. spiking: whether the neurons give spikes.
    """

    temporal = True

    def __init__(
        self,
        neuron: Callable[..., nn.Module] | nn.Module,
        shape: tuple[int, ...],
        feedback: Callable[..., nn.Module] | None = None,
        place: Place | None = None,
    ):
        super().__init__()
        self.shape_out = tuple(shape)
        self.neuron = _build(neuron, self.shape_out, place, "neuron")
        self.feedback = _build(feedback or AllToAll, self.shape_out, place, "feedback")

    @property
    def spiking(self) -> bool:
        return getattr(self.neuron, "spiking", False)

    def forward(self, x: Tensor, state: RecurrentState | None = None, *, dt: float) -> tuple[Tensor, RecurrentState]:
        """Run over a sequence.

        Args:
            x: (T, B, *shape), the current from the layers before.
            state: as returned by the call before; None starts at rest.
            dt: time step, seconds.

        Returns:
            out (T, B, *shape), and the state after the last step.
        """
        compiled = self._run_compiled(x, state, dt) if len(x) and self._choice(x[0]).name == "cpu" else None
        return compiled or self._run(x, state, dt, record=False)[:2]

    def runs_on(self, x0: Tensor, dt: float, device: str | None = None) -> Choice:
        """As `Neuron.runs_on`: a kernel for spiking neurons connected `AllToAll`, on a CPU."""
        choice = self._choice(x0, device)
        return self.neuron.runs_on(x0, dt, device) if choice.name == "cpu" else choice

    def _choice(self, x0: Tensor, device: str | None = None) -> Choice:
        if not isinstance(self.neuron, Neuron):
            return Choice("eager", "an activation of torch")
        if not self.neuron.spiking:
            return Choice("eager", "outputs that are no spikes: a dense product a step")
        if type(self.feedback) is not AllToAll or not unhooked(self.feedback):
            return Choice("eager", f"feedback is {type(self.feedback).__name__}: its own call a step")
        choice = backends.choose(self.neuron.backend, x0, device)
        return choice if choice.name != "cuda" else Choice("eager", "recurrent kernels run on the CPU")

    def _run_compiled(self, x: Tensor, state: RecurrentState | None, dt: float) -> tuple[Tensor, RecurrentState] | None:
        from snnctl.kernels.recurrent import recurrent_scan

        given = x.to(precision(x))
        inner, out = state if state is not None else (None, torch.zeros_like(given[0]))
        inner = self.neuron.initial_state(given[0]) if inner is None else inner
        coefs = self.neuron.coefficients(dt)
        program = self.neuron.program(inner, coefs)
        if program is None:
            return None
        weight, bias = self.feedback.synapses(), self.feedback.bias
        outs, inner = recurrent_scan(program, given, out.to(given.dtype), inner, coefs, weight, bias)
        return outs.to(x.dtype), RecurrentState(inner, outs[-1])

    def trace(
        self, x: Tensor, state: RecurrentState | None = None, *, dt: float
    ) -> tuple[Tensor, RecurrentState, dict[str, Tensor]]:
        """As `forward`, with every field of the neuron's state over time, each (T, B, ...)."""
        return self._run(x, state, dt, record=True)

    def _run(
        self, x: Tensor, state: RecurrentState | None, dt: float, record: bool
    ) -> tuple[Tensor, RecurrentState, dict[str, Tensor]]:
        stateful = hasattr(self.neuron, "step")
        coefs = self.neuron.coefficients(dt) if stateful else None
        weight = self.feedback.synapses()
        currents = unbind(x.to(precision(x)))  # a half precision input is run in float32, as in every neuron
        inner, out = state if state is not None else (None, torch.zeros_like(currents[0]))
        if stateful and inner is None:
            inner = self.neuron.initial_state(currents[0])
        outs, states = [], []
        for current in currents:
            current = current + self.feedback(out.to(weight.dtype), weight)
            if stateful:
                out, inner = self.neuron.step(current, inner, coefs)
            else:
                out = self.neuron(current)
            outs.append(out)
            states.append(inner)
        fields = [f for f in inner._fields if getattr(inner, f) is not None] if record and stateful else []
        traced = {field: stack([getattr(s, field) for s in states]) for field in fields}
        return stack(outs).to(x.dtype), RecurrentState(inner, out), traced


def _build(
    part: Callable[..., nn.Module] | nn.Module, shape: tuple[int, ...], place: Place | None, name: str
) -> nn.Module:
    if place is not None:
        return construct(part, replace(place, name=f"{place.name}.{name}"))
    if isinstance(part, nn.Module):
        return part
    function, _, given = unwrap(part)
    wants_shape = "shape" in inspect.signature(function).parameters and "shape" not in given
    return part(shape=shape) if wants_shape else part()
