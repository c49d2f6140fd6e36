"""A network as a row of stages: weights, then neurons. What rules that treat each layer for itself learn in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain
from snnctl.networks.feedback import AllToAll
from snnctl.networks.folding import over_time
from snnctl.networks.fusing import asks_for_eager, by_kernel
from snnctl.networks.hooks import unhooked
from snnctl.networks.kernel_linear import KernelLinear, pays
from snnctl.networks.recurrent import Recurrent, RecurrentState
from snnctl.neurons.neuron import Neuron


@dataclass
class Stage:
    """Layers that know no time, and the layer of neurons that they lead to.

    Attributes:
        name: of the neurons' layer, or of the last layer. below: the layer that its input comes from, None: the data.
        before: what knows no time, in order.
        layer: `Neuron`, `Recurrent`, or None where the network ends without one.
        shape: of the stage's output at one step.
    """

    name: str
    below: nn.Module | None
    before: list[nn.Module]
    layer: nn.Module | None
    shape: tuple[int, ...]

    @property
    def neuron(self) -> Neuron | None:
        return self.layer.neuron if isinstance(self.layer, Recurrent) else self.layer

    @property
    def feedback(self) -> nn.Module | None:
        return self.layer.feedback if isinstance(self.layer, Recurrent) else None

    @property
    def weighted(self) -> list[nn.Module]:
        """The layers before the neurons that have parameters."""
        return [module for module in self.before if any(p.requires_grad for p in module.parameters())]

    def weights(self) -> list[nn.Parameter]:
        """Parameters before the neurons."""
        return [p for module in self.before for p in module.parameters() if p.requires_grad]


def stages(network: Chain, rule: str) -> list[Stage]:
    """A network's stages, in order.

    Raises:
        UserError: a layer with a state that is neither a neuron nor `Recurrent`, or neurons in a container of layers.
    """
    found: list[Stage] = []
    before: list[nn.Module] = []
    name, shape = "", ()
    for name, layer, shape in _layers(network, rule):
        if not getattr(layer, "temporal", False):
            before.append(layer)
            continue
        if not isinstance(layer.neuron if isinstance(layer, Recurrent) else layer, Neuron):
            raise UserError(
                f"{rule}: network layer {name} is {type(layer).__name__}, whose state it cannot follow",
                "it trains neurons and Recurrent layers; choose   regime=rtrl   or   regime=bptt",
            )
        found.append(Stage(name, found[-1].layer if found else None, before, layer, tuple(shape)))
        before = []
    if before:
        found.append(Stage(name, found[-1].layer if found else None, before, None, tuple(shape)))
    return found


def _layers(chain: Chain, rule: str, prefix: str = "") -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    for name, layer in chain.layers.items():
        path = f"{prefix}{name}"
        if isinstance(layer, Chain) and type(layer).forward is Chain.forward:
            yield from _layers(layer, rule, f"{path}.")
        elif isinstance(layer, Chain):
            raise UserError(
                f"{rule}: network layer {path} is {type(layer).__name__}, where layers are not one after the other",
                "choose         regime=rtrl   or   regime=bptt",
            )
        else:
            yield path, layer, chain.shapes[name]


@dataclass
class Run:
    """A stage over one chunk, with the graphs that its gradients are taken from.

    Attributes:
        pre: input (K, B, ...), a leaf. into: what reaches the module with the weights.
        y: what the weights before the neurons give. back: what the recurrent weights give, or None.
        drive: y + back as a leaf: the neurons' input.
        state, start: the neurons' state before the chunk, its numbers being leaves; None: at rest.
        out, after: of the neurons; None: not run.
        shifted: outputs of the step before (K, B, ...), of a recurrent stage.
    """

    stage: Stage
    pre: Tensor
    y: Tensor
    drive: Tensor
    into: Tensor | None = None
    back: Tensor | None = None
    shifted: Tensor | None = None
    out: Tensor | None = None
    after: Any = None
    extra: dict[str, Any] = field(default_factory=dict)

    def to_weights(self, delta: Tensor) -> dict[nn.Parameter, Tensor]:
        """Gradients of the weights, before the neurons and recurrent, for dL / d drive (K, B, ...)."""
        found: dict[nn.Parameter, Tensor] = {}
        feedback = self.stage.feedback
        own = [] if feedback is None else [p for p in feedback.parameters() if p.requires_grad]
        for end, parameters in ((self.y, self.stage.weights()), (self.back, own)):
            if end is None or not parameters or not end.requires_grad:
                continue
            grads = torch.autograd.grad(end, parameters, delta.to(end.dtype), retain_graph=True, allow_unused=True)
            found |= {p: g for p, g in zip(parameters, grads, strict=True) if g is not None}
        return found

    def to_input(self, delta: Tensor) -> Tensor:
        """dL / d pre for dL / d drive, the way through the weights before the neurons."""
        return torch.autograd.grad(self.y, self.pre, delta.to(self.y.dtype), retain_graph=True)[0]


def run(stage: Stage, pre: Tensor, state: Any, dt: float, down: bool) -> tuple[Run, Any]:
    """Weights of a stage over a chunk, and all that its neurons will get.

    Args:
        pre: (K, B, ...). state: of the layer, before the chunk. down: whether `to_input` will be asked for.

    Returns:
        the run, without the neurons' outputs unless the stage is recurrent (they are then in `shifted`, which
        needs them); and, of a recurrent stage, its state after the chunk.
    """
    pre = pre.detach().requires_grad_(down)
    y, into = pre, pre
    weighted = stage.weighted
    row = [stage.below, *stage.before, stage.layer]
    for last, module, following in zip(row, stage.before, row[2:], strict=False):
        into = y if weighted and module is weighted[0] else into
        y = over_time(by_kernel(last, module, following, y) or module, y)
    if stage.feedback is None:
        return Run(stage, pre, y, y.detach().requires_grad_(), into), None
    with torch.no_grad():
        out, after = stage.layer(y.detach(), state, dt=dt)
        first = torch.zeros_like(out[:1]) if state is None else state.out[None].to(out.dtype)
        shifted = torch.cat([first, out[:-1]])
    back = _returned(stage, shifted)
    return Run(stage, pre, y, (y + back).detach().requires_grad_(), into, back, shifted), after


def _returned(stage: Stage, shifted: Tensor) -> Tensor:
    """What a layer's outputs of the step before (K, B, ...) give through its recurrent weights."""
    feedback, x = stage.feedback, shifted.flatten(0, 1)
    weight = feedback.synapses()
    if type(feedback) is AllToAll and stage.neuron.spiking and not asks_for_eager(stage.neuron) and unhooked(feedback):
        linear = SimpleNamespace(weight=weight, bias=feedback.bias, out_features=len(weight))
        if pays(x.flatten(1), linear, spikes=True):
            return KernelLinear(linear, True)(x.flatten(1)).view_as(shifted)
    return feedback(x.to(weight.dtype), weight).view_as(shifted)


def inner(state: Any) -> Any:
    """The neurons' own state of a layer's."""
    return state.neuron if isinstance(state, RecurrentState) else state


class Cut:
    """Mixed into a neuron: no gradient passes from one step to the next."""

    def step(self, x: Tensor, state: Any, coefs: Any) -> tuple[Tensor, Any]:
        past = type(state)(*(None if value is None else value.detach() for value in state))
        return super().step(x, past, coefs)


@cache
def _cut(kind: type[Neuron]) -> type[Neuron]:
    return type(f"{kind.__name__}Cut", (Cut, kind), {"__module__": kind.__module__})


def twin(neuron: Neuron, *, cut: bool = False, hold_reset: bool = False) -> Neuron:
    """The same neuron, parameters shared, with another gradient.

    Args:
        cut: none from one step to the next. hold_reset: none through the reset.
    """
    other = copy.copy(neuron)
    if cut:
        other.__class__ = _cut(type(neuron))
    if hold_reset and getattr(neuron, "detach_reset", True) is False:
        other.detach_reset = True
    return other


def scalars(neuron: Neuron) -> Sequence[nn.Parameter]:
    """A neuron's own learnable parameters."""
    return [p for p in neuron.parameters() if p.requires_grad]
