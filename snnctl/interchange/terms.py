"""What arrives at a node of a graph, as a sum: each term is a source, a delay and the layers on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from snnctl.circuits import Scale
from snnctl.errors import UserError
from snnctl.interchange.to_layer import Built

MOST = 10_000  # terms of one sum
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)


@dataclass(frozen=True)
class Term:
    """layers(y_source[t - delay]).

    Args:
        source: the input, or a node with a state.
        delay: whole steps.
        path: the nodes on the way, each with whether it adds its bias; or a name and a layer.
        constant: whether it gives something for nothing, that is, has a bias on its way.
    """

    source: str
    delay: int = 0
    path: tuple[tuple[str, bool | nn.Module], ...] = ()
    constant: bool = False

    def later(self, steps: int, name: str = "", mask: Tensor | None = None) -> Term:
        """The same some steps later, of the neurons where a mask is 1."""
        path = self.path if mask is None else (*self.path, (f"{name}.{steps}", Scale(mask)))
        return replace(self, delay=self.delay + steps, path=path)


def through(name: str, built: Built, terms: Sequence[Term]) -> list[Term]:
    """The terms behind a node without a state: it is applied to each, and its bias is in the first.

    Raises:
        UserError: there are too many.
    """
    if not built.layers:
        return list(terms)
    if len(terms) > MOST:
        raise UserError(
            f"NIR node {name}: more than {MOST:,} paths lead to it",
            "put neurons between branches that join and part again",
        )
    biased = getattr(built.layers[-1], "bias", None) is not None
    return [
        replace(term, path=(*term.path, (name, i == 0)), constant=term.constant or (biased and i == 0))
        for i, term in enumerate(terms)
    ]


class Layers:
    """The layers on the way of terms. One node gives one weight, however many paths lead through it.

    Args:
        built: node -> its layers.
    """

    def __init__(self, built: Mapping[str, Built]):
        self.built = built
        self.made: dict[tuple[str, bool], nn.Module] = {}

    def of(self, term: Term, target: str, scale: float | Tensor | None) -> dict[str, nn.Module]:
        """Name -> layer, in order; the last multiplies by a scale too.

        Args:
            target: a node with a state, for the name of a layer that only scales.
            scale: what its input is multiplied with, a number or an array of a step's shape; None for 1.
        """
        layers: dict[str, nn.Module] = {}
        for name, what in term.path:
            if isinstance(what, nn.Module):
                layers[name] = what
                continue
            *first, last = self.built[name].layers
            layers |= {f"{name}.{type(layer).__name__.lower()}": layer for layer in first}
            layers[name] = last if what else self._without_bias(name, last)
        if scale is not None:
            last = next(reversed(layers), None)
            scaled = None if last is None else _scaled(layers[last], scale)
            layers |= {f"{target}.scale": Scale(scale)} if scaled is None else {last: scaled}
        return layers

    def _without_bias(self, name: str, layer: nn.Module) -> nn.Module:
        if getattr(layer, "bias", None) is None:
            return layer
        key = name, False
        if key not in self.made:
            self.made[key] = _like(layer, layer.weight, None)
        return self.made[key]


def _scaled(layer: nn.Module, scale: float | Tensor) -> nn.Module | None:
    """The layer with its output times a scale; None where no layer of its kind does that."""
    if not isinstance(layer, WEIGHTED):
        return None
    s = torch.as_tensor(scale, dtype=layer.weight.dtype)
    if s.dim() and isinstance(layer, nn.Linear):
        s = s.flatten()
    elif s.dim():
        rows = s.reshape(len(s), -1)
        if len(rows) != layer.out_channels or not (rows == rows[:, :1]).all():
            return None
        s = rows[:, 0]
    if s.dim() and s.numel() not in (1, len(layer.weight)):
        return None
    weight = layer.weight.detach() * s.reshape(-1, *[1] * (layer.weight.dim() - 1))
    bias = None if layer.bias is None else nn.Parameter(layer.bias.detach() * s)
    return _like(layer, nn.Parameter(weight), bias)


def _like(layer: nn.Module, weight: nn.Parameter, bias: nn.Parameter | None) -> nn.Module:
    """A layer of the same options with these parameters, which are not copied."""
    if isinstance(layer, nn.Linear):
        made: nn.Module = nn.Linear(layer.in_features, layer.out_features, bias is not None, device="meta")
    else:
        names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
        options = {name: getattr(layer, name) for name in names}
        made = type(layer)(**options, bias=bias is not None, device="meta")
    made.weight, made.bias = weight, bias
    return made
