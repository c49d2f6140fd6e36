"""A circuit as a network that is trained, evaluated and recorded as any other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from math import inf, prod
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection, Scale
from snnctl.errors import UserError, did_you_mean, number
from snnctl.interchange.file import read
from snnctl.interchange.stretched import stretched
from snnctl.interchange.to_circuit import circuit_of
from snnctl.networks.chain import Chain
from snnctl.networks.delays import Delay
from snnctl.networks.feedback import AllToAll, MapToMap, OneToOne
from snnctl.networks.network import Network
from snnctl.networks.recurrent import Recurrent
from snnctl.surrogates import Surrogate

if TYPE_CHECKING:
    from snnctl.datasets.facts import Facts

Layers = dict[str, Any]


class NIRNetwork(Network):
    """The network of a NIR file, for a data set: its weights are what training begins with.

    It is read at the data set's dt; time constants are in seconds, so the dynamics stay. A chain of populations, also
    with recurrence in them, becomes ordinary layers; any other graph is one layer, a `Circuit`. Conventions that are
    None stay as the file says them, and where it does not, as `circuit_of` takes them.

    Args:
        facts: of the data set.
        nir: path of the file.
        dt: step width that the file was written at, s, where a step of it is to be a step of the data set, whatever its
            width; None: seconds are seconds.
        learnable: parameters of neurons to train beside the weights, such as tau_mem.
        drive, decay, synapse, fire, reset: of `neuron_of`, for all neurons.
        max_spikes: most spikes of a neuron in a step; inf for no limit.
        surrogate: of the spikes' gradient.
        backend: what runs the neurons: auto, eager, cpu, cuda.

    Attributes:
        assumed: the conventions that the file left open and how they were filled, in words.

    Raises:
        UserError: as of `read` and `circuit_of`; the data set's input or classes are not the file's; learnable names
            a parameter that no neuron of the file has.
    """

    def __init__(
        self,
        facts: Facts,
        nir: str,
        dt: float | None = None,
        learnable: Sequence[str] = (),
        drive: str | None = None,
        decay: str | None = None,
        synapse: str | None = None,
        fire: str | None = None,
        reset: str | None = None,
        max_spikes: float | None = None,
        surrogate: Surrogate | None = None,
        backend: str = "auto",
    ):
        given = {"drive": drive, "decay": decay, "synapse": synapse, "fire": fire, "reset": reset}
        given |= {"max_spikes": max_spikes, "surrogate": surrogate, "learnable": tuple(learnable) or None}
        chosen = {**conventions(given), "backend": backend}
        device = torch.get_default_device()
        with torch.device("cpu"):  # a file has numbers; the meta device has none
            graph = read(nir)
            if dt is not None:
                dt = number("network.dt is", dt, "s", 0.0, above=True)
                graph = stretched(graph, facts.dt / dt)
            circuit = circuit_of(graph, facts.dt, **chosen)
        known = {name for neuron in circuit.neurons for name in neuron.kinds}
        for name in learnable:
            if name not in known:
                raise UserError(f"network.learnable: no neuron of {nir} has {name}", did_you_mean(name, known))
        self.nir = str(nir)
        with torch.device("cpu"):
            layers, assumed = fitted(circuit, facts, str(nir))
            super().__init__(layers, facts)
        self.to(device)
        steps = [f"dt: a step of {dt:g} s in the file is one of {facts.dt:g} s in the data"] if dt else []
        self.assumed = (*(line for line in circuit.assumed if not (dt and line.startswith("dt: "))), *assumed, *steps)

    def walk(self) -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
        """As of any network; the layers of a circuit have the names that they have in the file."""
        return ((name.removeprefix("circuit."), layer, shape) for name, layer, shape in super().walk())


def conventions(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `circuit_of`, of settings in which None is what the file says, and inf spikes are no limit."""
    chosen = {name: value for name, value in given.items() if value is not None}
    return chosen | ({"max_spikes": None} if chosen.get("max_spikes") == inf else {})


def network_of(circuit: Circuit, facts: Facts) -> Network:
    """The network that computes what a circuit does, for a data set; the circuit's weights are used, not copied.

    Raises:
        UserError: the data set's input or classes are not the circuit's.
    """
    return Network(fitted(circuit, facts, "the circuit")[0], facts)


def fitted(circuit: Circuit, facts: Facts, title: str) -> tuple[Layers, list[str]]:
    """The layers of a circuit for a data set, and what was assumed for it, in words.

    Raises:
        UserError: the data set's input or classes are not the circuit's.
    """
    shape, wanted = tuple(facts.shape), circuit.shapes[INPUT]
    flat = shape != wanted and wanted == (prod(shape),)
    if shape != wanted and not flat:
        raise UserError(
            f"{title} takes {wanted} a step, and the data set gives {shape}",
            "choose the set that it was made for, or   dataset.transform=...",
        )
    if facts.classes and circuit.shapes[OUTPUT] != (len(facts.classes),):
        raise UserError(
            f"{title} gives {circuit.shapes[OUTPUT]} a step, and the data set has {len(facts.classes)} classes",
            "choose the set that it was made for",
        )
    layers = _chain(circuit) or {"circuit": circuit}
    if not flat:
        return layers, []
    name = "flatten"
    while name in layers or name in circuit.names:
        name += "_"
    return {name: nn.Flatten(), **layers}, [f"input: {shape} of the data set is flattened"]


def _chain(circuit: Circuit) -> Layers | None:
    """The circuit as layers one after the other; None where it is none."""
    flat: list[tuple[str, nn.Module]] = []
    source = INPUT
    for name in (*circuit.names, OUTPUT):
        into = circuit.into(name)
        ahead = [p for p in into if p.source != name]
        back = [p for p in into if p.source == name]
        if len(ahead) != 1 or ahead[0].source != source or len(back) > 1:
            return None
        if ahead[0].delay:
            flat.append((f"{name}_delay", Delay(delay=ahead[0].delay * circuit.dt)))
        flat += ahead[0].named_layers().items()
        if name != OUTPUT:
            neuron = circuit.populations[name]
            layer = _recurrent(neuron, back[0], circuit.shapes[name]) if back else neuron
            if layer is None:
                return None
            flat.append((name, layer))
        source = name
    names = [name for name, _ in flat]
    if not flat or len(set(names)) < len(names):
        return None
    return _nested(flat) or {name.replace(".", "_"): layer for name, layer in flat}


def _recurrent(neuron: nn.Module, back: Projection, shape: tuple[int, ...]) -> Recurrent | None:
    """Neurons that see their own output one step later, through one layer; None where it is another kind of loop."""
    layers = list(back.layers)
    if back.delay != 1 or len(layers) != 1:
        return None
    (layer,) = layers
    with torch.device("meta"):
        if isinstance(layer, nn.Linear) and len(shape) == 1:
            feedback: nn.Module = AllToAll(shape, bias=layer.bias is not None)
            weight, bias = layer.weight, layer.bias
        elif isinstance(layer, Scale):
            feedback = OneToOne(shape)
            weight, bias = nn.Parameter(layer.factor.expand(shape).clone()), None
        elif _same_map(layer):
            feedback = MapToMap(shape, layer.kernel_size[0], bias=layer.bias is not None)
            weight, bias = layer.weight, layer.bias
        else:
            return None
    feedback.weight, feedback.bias = weight, bias
    return Recurrent(lambda: neuron, shape, lambda: feedback)


def _same_map(layer: nn.Module) -> bool:
    """Whether a convolution is one of `MapToMap`: square, odd, dense, of stride 1, that keeps the size."""
    if not isinstance(layer, nn.Conv1d | nn.Conv2d) or len(set(layer.kernel_size)) > 1:
        return False
    side, plain = layer.kernel_size[0], {1}
    kept = side % 2 == 1 and set(layer.padding) == {side // 2}
    return kept and set(layer.stride) == set(layer.dilation) == {layer.groups} == plain


def _nested(flat: Sequence[tuple[str, nn.Module]]) -> Layers | None:
    """Layers by dotted name as chains in chains; None where a name is a layer and a chain, or a chain is cut in two."""
    layers: Layers = {}
    for first, group in groupby(flat, key=lambda pair: pair[0].partition(".")[0]):
        inside = [(name.partition(".")[2], layer) for name, layer in group]
        if first in layers or not first:
            return None
        if len(inside) == 1 and not inside[0][0]:
            layers[first] = inside[0][1]
            continue
        nested = _nested(inside) if all(name for name, _ in inside) else None
        if nested is None:
            return None
        layers[first] = _partial_chain(nested)
    return layers


def _partial_chain(layers: Layers) -> Callable[..., nn.Module]:
    return functools.partial(Chain, layers)
