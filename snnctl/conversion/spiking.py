"""The spiking network: layers as configuration, and their weights."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from snnctl import networks, neurons
from snnctl.conversion.analog import INPUT, Analog, Node
from snnctl.conversion.folding import add_bias, diagonal, rescale
from snnctl.conversion.pooling import spiking_pool, summed
from snnctl.conversion.simulation import Dynamics
from snnctl.networks import Graph, Network

if TYPE_CHECKING:
    from snnctl.datasets.facts import Facts

Balance = Literal["weights", "thresholds"]
ONE = torch.tensor(1.0)


@dataclass
class Spiking:
    """A converted network.

    Args:
        layers: name -> layer with its weights, in order.
        sources: what each layer reads; empty for a chain.
    """

    layers: dict[str, nn.Module] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)

    def configuration(self) -> dict[str, Any]:
        """The node `network` of a run."""
        layers = {name: described(layer) for name, layer in self.layers.items()}
        node = {"_target_": "snnctl.networks.Network", "_partial_": True, "layers": layers}
        return {**node, "_target_": "snnctl.networks.Graph", "sources": self.sources} if self.sources else node

    def network(self, facts: Facts) -> Network:
        """It, in evaluation mode, for a data set."""
        if self.sources:
            return Graph(self.layers, facts, self.sources).eval()
        return Network(self.layers, facts).eval()


def spiking(
    graph: Analog,
    thresholds: Mapping[str, Tensor],
    dynamics: Dynamics,
    balance: Balance = "weights",
    sum_pooling: bool = False,
) -> Spiking:
    """Write the layers. What a signal u of the spiking network stands for is scale * u in the ANN, on average over T:

        linear       W <- W scale_in / scale_out,  b <- b / scale_out
        activation   fires at threshold / scale_in; a spike then stands for threshold
        sum          its branches have one scale: linear ones take that of the others, or a diagonal layer rescales

    Args:
        graph: the ANN, folded; left as it is.
        thresholds: of each activation, () or (C,), in the ANN's unit.
        dynamics: of the neurons, and how many times the mean of the input the ANN's frame is.
        balance: "weights": linear layers are scaled so that the thresholds behind them are 1, but for those behind a
            sum of currents and spikes, which is in the unit of the spikes; "thresholds": they keep the ANN's unit, and
            so do the thresholds.
        sum_pooling: sum where the ANN averages.
    """
    graph = copy.deepcopy(graph)
    sums = {n.name: summed(n, graph.nodes[n.sources[0]].shape) for n in graph.of("average")} if sum_pooling else {}
    windows = {name: size for name, (_, size) in sums.items()}
    shifted = _shift(graph, thresholds, dynamics)
    scale = {INPUT: torch.tensor(float(dynamics.gain))}
    rigid = _rigid(graph, thresholds, windows, dynamics, scale)
    wanted = _wanted(graph, thresholds, windows, rigid) if balance == "weights" else _forced(graph, rigid, windows)
    out = Spiking()
    written = {INPUT: INPUT}
    for node in [node for node in graph.nodes.values() if node.name != INPUT]:
        name, into = _plain(node.name, out.layers), scale[node.sources[0]]
        reads = [written[source] for source in node.sources]
        layer, scale[node.name] = node.layer, into
        if node.kind == "linear":
            scale[node.name] = wanted.get(node.name, ONE)
            rescale(layer, out=1 / scale[node.name], into=_columns(into, node, graph))
        elif node.kind == "activation":
            level = thresholds[node.name] / into
            listed = level.tolist()  # a number, or one a channel
            kind, options = dynamics.arguments(listed, node.name in shifted)
            layer = kind(**options, shape=node.shape)
            scale[node.name] = thresholds[node.name] if not dynamics.signed else into
        elif node.kind == "maximum":
            layer = spiking_pool(node)
        elif node.kind == "average" and sum_pooling:
            layer, size = sums[node.name]
            scale[node.name] = into / size
        elif node.kind == "concatenate":
            scale[node.name] = _joined(node, scale, graph)
        elif node.kind == "add":
            for i, source in enumerate(node.sources):
                if not torch.equal(scale[source].expand(node.shape[0]), into.expand(node.shape[0])):
                    reads[i] = _write(out, f"{name}_scale{i}", diagonal(node.shape, scale[source] / into), [reads[i]])
        elif isinstance(layer, nn.Flatten) and into.dim():
            scale[node.name] = into.repeat_interleave(math.prod(node.shape) // len(into))
        written[node.name] = _write(out, name, layer, reads)
    names = list(out.layers)
    if all(out.sources[n] == [before] for n, before in zip(names, [INPUT, *names], strict=False)):
        out.sources = {}
    return out


def _shift(graph: Analog, thresholds: Mapping[str, Tensor], dynamics: Dynamics) -> set[str]:
    """Put half a threshold, over T steps, into biases; returns the activations for which that was possible."""
    if dynamics.shift != "bias" or dynamics.signed:
        return set()
    shifted = set()
    for node in graph.of("activation"):
        carrier = graph.carrier(node.sources[0])
        if carrier is not None:
            add_bias(carrier.layer, thresholds[node.name] / (2 * dynamics.T))
            shifted.add(node.name)
    return shifted


def _rigid(graph, thresholds, windows, dynamics, scale) -> dict[str, Tensor | None]:
    """The scale of each signal that no linear layer chooses."""
    found: dict[str, Tensor | None] = {INPUT: scale[INPUT]}
    for node in graph.nodes.values():
        if node.name in found:
            continue
        sources = [found[source] for source in node.sources]
        known = next((s for s in sources if s is not None), None)
        if node.kind == "activation" and not dynamics.signed:
            known = thresholds[node.name]
        elif node.kind == "linear":
            known = None
        elif node.kind == "average" and known is not None:
            known = known / windows.get(node.name, 1.0)
        elif node.kind == "concatenate" or (isinstance(node.layer, nn.Flatten) and known is not None and known.dim()):
            known = ONE if known is None else known  # only whether there is one matters behind a join
        found[node.name] = known
    return found


def _forced(graph: Analog, rigid: Mapping[str, Tensor | None], windows: Mapping[str, float]) -> dict[str, Tensor]:
    """The scale of linear layers that join others in a sum."""
    found: dict[str, Tensor] = {}
    for node in reversed(graph.of("add")):
        target = rigid[node.name]
        for source in node.sources:
            _back(graph, source, ONE if target is None else target, windows, found)
    return found


def _wanted(graph, thresholds, windows, rigid) -> dict[str, Tensor]:
    """The scale of each linear layer at which the thresholds that it drives are 1."""
    found: dict[str, Tensor] = {}
    for node in graph.of("activation"):
        _back(graph, node.sources[0], thresholds[node.name], windows, found)
    for node in reversed(graph.of("add")):
        target = rigid[node.name]
        if target is None:
            target = next((found[c] for s in node.sources if (c := _driver(graph, s)) in found), ONE)
        for source in node.sources:
            _back(graph, source, target, windows, found)
    return found


def _back(graph: Analog, name: str, target: Tensor, windows: Mapping[str, float], found: dict[str, Tensor]) -> None:
    """Ask for a scale of a signal; it reaches the linear layers that choose it, the last to ask prevails."""
    node = graph.nodes[name]
    if node.kind == "linear":
        found[name] = target
    elif node.kind == "add":
        for source in node.sources:
            _back(graph, source, target, windows, found)
    elif node.kind in ("average", "maximum") or (node.kind == "pass" and not target.dim()):
        _back(graph, node.sources[0], target * windows.get(name, 1.0), windows, found)


def _driver(graph: Analog, name: str) -> str | None:
    node = graph.nodes[name]
    while node.kind in ("average", "pass", "maximum"):
        node = graph.nodes[node.sources[0]]
    return node.name if node.kind == "linear" else None


def _joined(node: Node, scale: Mapping[str, Tensor], graph: Analog) -> Tensor:
    """The scale of concatenated signals, one a channel."""
    return torch.cat([scale[source].expand(graph.nodes[source].shape[0]) for source in node.sources])


def _columns(into: Tensor, node: Node, graph: Analog) -> Tensor:
    return into if into.dim() == 0 else into.expand(graph.nodes[node.sources[0]].shape[0])


def _plain(name: str, taken: Mapping[str, Any]) -> str:
    """A name that a network's layer can have: without dots, and no attribute of a dictionary of modules."""
    name = name.replace(".", "_")
    name = f"layer_{name}" if name == INPUT or hasattr(nn.ModuleDict, name) or name[0].isdigit() else name
    while name in taken:
        name += "_"
    return name


def _write(out: Spiking, name: str, layer: nn.Module, reads: list[str]) -> str:
    out.layers[name], out.sources[name] = layer, reads
    return name


def described(layer: nn.Module) -> dict[str, Any]:
    """A layer as a node of configuration, with the arguments that its class would not choose itself."""
    kind = type(layer)
    ours = next((home for home in (neurons, networks) if getattr(home, kind.__name__, None) is kind), None)
    home = ours.__name__ if ours else "torch.nn"
    node: dict[str, Any] = {"_target_": f"{home}.{kind.__name__}"}
    for name, argument in inspect.signature(kind).parameters.items():
        if name in ("device", "dtype", "shape", "surrogate", "inplace") or not hasattr(layer, name):
            continue
        value = getattr(layer, name)
        if isinstance(value, tuple) and value == argument.default:
            continue
        if name == "bias":
            value = value is not None
        elif isinstance(value, Tensor):
            value = value.flatten().tolist()
        elif isinstance(value, tuple):  # (2, 2) is written as 2
            value = value[0] if len(set(value)) == 1 and name != "output_size" else list(value)
        if value != argument.default:
            node[name] = value
    return node
