"""Layers one after the other, over time, with their states."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.event_layers import over_events, takes_events
from snnctl.networks.folding import over_time
from snnctl.networks.fusing import asks_for_eager, by_kernel, gives_away, in_one, window
from snnctl.networks.hooks import unhooked
from snnctl.networks.place import Place, construct, kind, lacks_outputs
from snnctl.networks.shapes import shape_after
from snnctl.neurons.neuron import Neuron

if TYPE_CHECKING:
    from snnctl.datasets.batch import EventList

Layers = Mapping[str, Callable[..., nn.Module]] | Sequence[Callable[..., nn.Module]]
State = dict[str, Any]


class Chain(nn.Module):
    """An ordered mapping of layers, built one by one, each at the shape that leaves the one before.

    A layer with the attribute `temporal` is called as `layer(x, state, dt=dt) -> (out, state)` on the whole sequence;
    for any other module time is folded into the batch.

    Args:
        layers: name -> partial, class or built module, in order; a list is numbered. None leaves a layer out.
        place: where the chain stands.

    Raises:
        UserError: a layer's name, argument or shape is wrong.
    """

    temporal = True
    time_major = False  # set while operations are counted: fold as (T * B), without short cuts

    def __init__(self, layers: Layers, place: Place):
        super().__init__()
        pairs = named(layers, place.name)
        last = next((n for n, layer in reversed(pairs) if lacks_outputs(layer)), None) if place.last else None
        self.layers = nn.ModuleDict()
        self.shapes: dict[str, tuple[int, ...]] = {}
        shape = place.shape
        for name, layer in pairs:
            at = replace(place, name=f"{place.name}.{name}".lstrip("."), shape=shape, last=name == last)
            try:
                self.layers[name] = module = construct(layer, at)
            except KeyError:
                raise UserError(f"network layer {at.name!r} cannot have this name", "choose another one") from None
            shape = shape_after(module, at)
            if isinstance(module, Neuron) and not type(module).__module__.startswith("snnctl."):
                module.runs_on(torch.empty(1, *shape, device="meta"), at.facts.dt, "cpu")  # tells what no kernel can do
            self.shapes[name] = shape
        self.shape_out = shape

    def forward(
        self, x: Tensor | EventList, state: State | None = None, *, dt: float
    ) -> tuple[Tensor | EventList, State]:
        """Run the layers over a sequence.

        Args:
            x: (T, B, *shape), or a list of events, which the first layer that cannot take it gets as frames.
            state: {layer: its state}; None, or a missing layer, starts at rest.
            dt: time step, seconds.

        Returns:
            out (T, B, *shape_out), still a list where all layers only flatten; and the states after the last step.
        """
        before, after = state or {}, {}
        last, done = None, None
        for (name, layer), following in zip(self.layers.items(), [*list(self.layers.values())[1:], None], strict=True):
            if layer is done:  # by the layer before it
                last, done = layer, None
                continue
            if not isinstance(x, Tensor) and (asks_for_eager(following) or not _takes(layer, x)):
                x = x.dense()
            if getattr(layer, "temporal", False):
                options = {"overwrite": True} if gives_away(last, layer) else {}
                if not self.time_major and (pool := window(layer, following)) is not None:
                    options["pool"], done = pool, following
                x, after[name] = layer(x, before.get(name), dt=dt, **options)
            elif isinstance(x, Tensor):
                both = alone = None
                if not self.time_major:
                    both, alone = in_one(layer, following, x), by_kernel(last, layer, following, x)
                done = following if both else None
                x = over_time(both or alone or layer, x, self.time_major)
            else:
                x = over_events(layer, x)
            last = layer
        return x, after

    def temporal_layers(self) -> dict[str, nn.Module]:
        """Layers with a state by dotted name, in order; the containers themselves are left out."""
        return {name: layer for name, layer, _ in self.walk() if getattr(layer, "temporal", False)}

    def walk(self) -> Iterable[tuple[str, nn.Module, tuple[int, ...]]]:
        """(dotted name, layer, shape after it at one step) of every layer, in order, into nested chains."""
        for name, layer in self.layers.items():
            if hasattr(layer, "walk"):  # a chain, or a circuit
                yield from ((f"{name}.{inner}", module, shape) for inner, module, shape in layer.walk())
            else:
                yield name, layer, self.shapes[name]


def _takes(layer: nn.Module, x: EventList) -> bool:
    if isinstance(layer, Chain):
        return type(layer).forward is Chain.forward and unhooked(layer)
    return takes_events(layer, x)


def named(layers: Layers, where: str) -> list[tuple[str, Callable[..., nn.Module]]]:
    """(name, layer) in order, of layers given by name or as a list; `where` they stand, for messages."""
    pairs = list(layers.items()) if isinstance(layers, Mapping) else [(str(i), n) for i, n in enumerate(layers)]
    pairs = [(str(name), layer) for name, layer in pairs if layer is not None]
    if not pairs:
        at = f"network.{where}" if where else "network"
        raise UserError(f"{at} has no layers", "give   network: {layers: {fc: {_target_: torch.nn.Linear}}}")
    for name, layer in pairs:
        if "." in name or not name:
            raise UserError(f"network layer {name!r} cannot have this name", "names have no dot and are not empty")
        if inspect.isclass(layer) and not issubclass(layer, nn.Module):
            raise UserError(f"network layer {name} ({kind(layer)}) is no torch.nn.Module")
    return pairs
