"""A network whose layers branch and join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from snnctl.errors import UserError, did_you_mean
from snnctl.networks.chain import Layers, State, named
from snnctl.networks.folding import over_time
from snnctl.networks.joining import Add, Concatenate
from snnctl.networks.network import Network
from snnctl.networks.place import Place, construct, lacks_outputs
from snnctl.networks.shapes import shape_after

if TYPE_CHECKING:
    from snnctl.datasets.batch import EventList
    from snnctl.datasets.facts import Facts

INPUT = "input"


class Graph(Network):
    """Layers that say what they read, in an order in which no layer comes before what it reads:

        Graph({"a": conv, "b": conv, "sum": Add, ...}, facts, {"b": ["input"], "sum": ["a", "b"]})

    The last layer's output leaves the network.

    Args:
        layers: as of a `Network`. `Add` and `Concatenate` take what several layers give.
        facts: of the data set.
        sources: layer -> the layers that it reads, "input" for the network's input; one that is left out reads the
            layer before it.
        settings: names that the configuration's layers refer to.

    Raises:
        UserError: a source does not exist or comes later; a layer's argument or shape is wrong.
    """

    def __init__(
        self, layers: Layers, facts: Facts, sources: Mapping[str, Sequence[str]] | None = None, **settings: Any
    ):
        nn.Module.__init__(self)
        self.layers = nn.ModuleDict()
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        pairs, given = named(layers, ""), dict(sources or {})
        if unknown := [name for name in given if name not in dict(pairs)]:
            problem = f"network.sources names no layer {unknown[0]!r}"
            raise UserError(problem, did_you_mean(unknown[0], dict(pairs)))
        last = next((n for n, layer in reversed(pairs) if lacks_outputs(layer)), None)
        known, before = {INPUT: tuple(facts.shape)}, INPUT
        for name, layer in pairs:
            reads = tuple(given.get(name, (before,)))
            for source in reads:
                if source not in known:
                    problem = f"network layer {name} reads {source}, which is no layer before it"
                    raise UserError(problem, did_you_mean(source, known))
            at = Place(name=name, shape=known[reads[0]], facts=facts, last=name == last)
            try:
                self.layers[name] = module = construct(layer, at)
            except KeyError:
                raise UserError(f"network layer {name!r} cannot have this name", "choose another one") from None
            shape = _joined(module, at, [known[s] for s in reads])
            self.sources[name], self.shapes[name], known[name], before = reads, shape, shape, name
        self.shape_out = self.shapes[before]
        self._check_classes(facts)

    def forward(self, x: Tensor | EventList, state: State | None = None) -> tuple[Tensor, State]:
        """As `Network.forward`; events come as frames."""
        self._check_input(x, state)
        given, after = state or {}, {}
        kept: dict[str, Tensor] = {INPUT: x if isinstance(x, Tensor) else x.dense()}
        uses = [source for reads in self.sources.values() for source in reads]
        for name, layer in self.layers.items():
            xs = [kept[source] for source in self.sources[name]]
            if getattr(layer, "temporal", False):
                kept[name], after[name] = layer(xs[0], given.get(name), dt=self.dt)
            elif len(xs) > 1:
                kept[name] = layer(*(x.flatten(0, 1) for x in xs)).unflatten(0, xs[0].shape[:2])
            else:
                kept[name] = over_time(layer, xs[0], self.time_major)
            for source in self.sources[name]:
                uses.remove(source)
                if source not in uses:
                    kept.pop(source, None)
        return kept[name], after


def _joined(module: nn.Module, at: Place, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape after a layer that reads these."""
    if len(shapes) == 1:
        return shape_after(module, at)
    if not isinstance(module, (Add, Concatenate)) and getattr(module, "temporal", False):
        problem = f"network layer {at.name} ({type(module).__name__}) reads {len(shapes)} layers"
        raise UserError(problem, "put snnctl.networks.Add or Concatenate before it")
    if isinstance(module, Add) and len(set(shapes)) > 1:
        problem = f"network layer {at.name} (Add) gets {', '.join(map(str, shapes))}"
        raise UserError(problem, "they are added, so their shapes must be equal")
    try:
        with torch.no_grad():
            return tuple(module(*(torch.zeros(2, *shape) for shape in shapes)).shape[1:])
    except (RuntimeError, TypeError) as error:
        given = ", ".join(map(str, shapes))
        raise UserError(f"network layer {at.name} ({type(module).__name__}) gets {given}", str(error)) from error
