"""An ANN as a graph of few kinds of operations, in the order in which they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks import Add, Concatenate, SumPool2d
from snnctl.neurons import LI, QCFS, Integrator, ReLU

Kind = Literal["input", "linear", "affine", "activation", "average", "maximum", "pass", "add", "concatenate"]
INPUT = "input"
CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
CLASSES: dict[Kind, tuple[type, ...]] = {
    "linear": (nn.Linear, *CONVS),
    "affine": (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, LI, Integrator),
    "activation": (nn.ReLU, nn.ReLU6, ReLU, QCFS),
    "average": (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d,
                nn.AdaptiveAvgPool3d, SumPool2d),
    "maximum": (nn.MaxPool2d,),
    "pass": (nn.Flatten, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    "add": (Add,),
    "concatenate": (Concatenate,),
}  # fmt: skip


@dataclass
class Node:
    """One operation.

    Args:
        name: dotted, as the user's network has it.
        kind: what it does, see `CLASSES`.
        layer: the module that does it on (B, ...); None for the input.
        sources: nodes that it reads.
        shape: of its output, without batch.
    """

    name: str
    kind: Kind
    layer: nn.Module | None
    sources: tuple[str, ...]
    shape: tuple[int, ...]

    def __call__(self, *xs: Tensor) -> Tensor:
        """(B, ...) each -> (B, ...)."""
        return self.layer(*xs)


class Analog:
    """Operations in order; each reads such as come before it. The last one's output is the network's.

    Args:
        shape: of the input, without batch.
    """

    def __init__(self, shape: tuple[int, ...]):
        self.nodes: dict[str, Node] = {INPUT: Node(INPUT, "input", None, (), tuple(shape))}

    @property
    def last(self) -> str:
        """The operation that gives the output."""
        return next(reversed(self.nodes))

    def of(self, kind: Kind) -> list[Node]:
        """The operations of a kind, in order."""
        return [node for node in self.nodes.values() if node.kind == kind]

    def add(self, name: str, layer: nn.Module, sources: tuple[str, ...], dt: float) -> str:
        """Append an operation; returns its name.

        Raises:
            UserError: no spiking layer stands for it.
        """
        kind = kind_of(name, layer)
        if isinstance(layer, nn.Linear) and len(self.nodes[sources[0]].shape) != 1:
            shape = self.nodes[sources[0]].shape
            raise UserError(f"layer {name} (Linear) gets {shape}, not a vector", "put torch.nn.Flatten before it")
        if isinstance(layer, (LI, Integrator)):
            layer = Gain.of(layer, self.nodes[sources[0]].shape, dt)
        elif isinstance(layer, (ReLU, QCFS)):
            layer = _Frame(layer, dt)
        with torch.no_grad():
            out = layer(*(torch.zeros(1, *self.nodes[source].shape) for source in sources))
        self.nodes[name] = Node(name, kind, layer, sources, tuple(out.shape[1:]))
        return name

    def readers(self, name: str) -> list[Node]:
        """Operations that read one."""
        return [node for node in self.nodes.values() if name in node.sources]

    def drop(self, name: str) -> None:
        """Take out an operation with one source; who read it reads that."""
        (before,) = self.nodes[name].sources
        for node in self.readers(name):
            node.sources = tuple(before if source == name else source for source in node.sources)
        del self.nodes[name]

    def carrier(self, name: str) -> Node | None:
        """The linear operation whose bias, one a channel, reaches an operation's output unchanged, and nothing else.

        It may lie before pooling without padding, or in one branch of a sum.
        """
        node = self.nodes[name]
        if len(self.readers(name)) > 1:
            return None
        if node.kind == "linear":
            return node
        if node.kind == "add":
            found = (self.carrier(source) for source in node.sources)
            return next((carrier for carrier in found if carrier is not None), None)
        keeps = node.kind == "average" and not _padded(node.layer) and not isinstance(node.layer, SumPool2d)
        if keeps or (node.kind == "pass" and not isinstance(node.layer, nn.Flatten)):
            return self.carrier(node.sources[0])
        return None

    def values(
        self, x: Tensor, apply: Callable[[Node, list[Tensor]], Tensor] | None = None
    ) -> Iterator[tuple[Node, Tensor]]:
        """Run it; yields each operation with what it gives, and lets go of what nobody reads any more.

        Args:
            x: (B, *shape).
            apply: (operation, what it reads) -> what it gives, in place of calling it.
        """
        uses = {name: len(self.readers(name)) for name in self.nodes}
        kept = {INPUT: x}
        for name, node in self.nodes.items():
            if name != INPUT:
                xs = [kept[source] for source in node.sources]
                kept[name] = node(*xs) if apply is None else apply(node, xs)
                for source in set(node.sources):
                    uses[source] -= 1
                    if not uses[source]:
                        del kept[source]
            yield node, kept[name]

    def __call__(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, classes)."""
        return deque(self.values(x), maxlen=1)[0][1]


class Gain(nn.Module):
    """y_c = gain_c x_c: what a leaky integrator does in one step.

    Args:
        gain: (C,).
    """

    def __init__(self, gain: Tensor):
        super().__init__()
        self.register_buffer("gain", gain)

    @classmethod
    def of(cls, layer: nn.Module, shape: tuple[int, ...], dt: float) -> Gain:
        """The gain of a layer with a state at its first step, from rest."""
        with torch.no_grad():
            ones, zeros = (layer(full(1, 1, *shape), dt=dt)[0][0, 0] for full in (torch.ones, torch.zeros))
        return cls((ones - zeros).flatten(1)[:, 0] if ones.dim() > 1 else ones - zeros)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...) -> (B, C, ...)."""
        return x * self.gain.view(-1, *[1] * (x.dim() - 2))


class _Frame(nn.Module):
    """A neuron without state, of one step."""

    def __init__(self, neuron: nn.Module, dt: float):
        super().__init__()
        self.neuron, self.dt = neuron, dt

    def forward(self, x: Tensor) -> Tensor:
        return self.neuron(x[None], dt=self.dt)[0][0]


def known_threshold(node: Node) -> Tensor | None:
    """Where an activation ends, () or (C,), if it was trained with an end."""
    layer = node.layer.neuron if isinstance(node.layer, _Frame) else node.layer
    if isinstance(layer, nn.ReLU6):
        return torch.tensor(6.0)
    if not isinstance(layer, QCFS):
        return None
    threshold = torch.as_tensor(layer.threshold).detach().float()
    if threshold.numel() != 1 and threshold.numel() != threshold.shape[0]:
        raise UserError(f"layer {node.name} (QCFS) has a threshold a neuron", "train it with   neuron.per=channel")
    return threshold.flatten() if threshold.numel() > 1 else threshold.reshape(())


def kind_of(name: str, layer: nn.Module) -> Kind:
    """What a layer does.

    Raises:
        UserError: it spikes already, or no spiking layer stands for it.
    """
    title = f"layer {name} ({type(layer).__name__})"
    if getattr(layer, "spiking", False):
        raise UserError(
            f"{title} spikes already: this is no ANN", "train one   snnctl train RECIPE neuron=relu regime=ann"
        )
    for kind, classes in CLASSES.items():
        if isinstance(layer, classes):
            return kind
    if isinstance(layer, (nn.MaxPool1d, nn.MaxPool3d)):
        raise UserError(f"{title} cannot be converted", "take average pooling, AvgPool1d or AvgPool3d, and train again")
    known = ", ".join(dict.fromkeys(c.__name__ for classes in CLASSES.values() for c in classes))
    hint = (
        "ReLU in its place, and training again, makes it one that can" if _activates(layer) else f"known are   {known}"
    )
    raise UserError(f"{title} cannot be converted: integrate-and-fire neurons do not compute it", hint)


def _activates(layer: nn.Module) -> bool:
    return type(layer).__module__ == "torch.nn.modules.activation"


def _padded(layer: nn.Module) -> bool:
    padding = getattr(layer, "padding", 0)
    padded = any(padding) if isinstance(padding, tuple) else bool(padding)
    return padded and getattr(layer, "count_include_pad", True)
