"""Where a layer stands in a network, and how a partial becomes a layer there."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import nn

from snnctl.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from snnctl.datasets.facts import Facts

OUTPUTS = ("out_features", "out_channels")


@dataclass(frozen=True)
class Place:
    """What is known where a layer stands.

    Args:
        name: dotted name of the layer, as in messages, logs and states.
        shape: one time step of what reaches the layer, without batch: (C, H, W), (C, L) or (N,).
        facts: of the data set.
        given: arguments that an enclosing `Repeat` hands down.
        last: the layer gives the classes.
    """

    name: str
    shape: tuple[int, ...]
    facts: Facts
    given: Mapping[str, Any] = field(default_factory=dict)
    last: bool = False

    def arguments(self) -> dict[str, Any]:
        """Arguments that a constructor may leave to the network, by name."""
        classes = len(self.facts.classes)
        known: dict[str, Any] = {
            "place": self,
            "shape": self.shape,
            "dt": self.facts.dt,
            "steps": self.facts.steps,
            "classes": classes,
            "normalized_shape": list(self.shape),
        }
        if self.shape:
            known |= dict.fromkeys(("in_channels", "num_features", "num_channels"), self.shape[0])
        if len(self.shape) == 1:
            known["in_features"] = self.shape[0]
        if self.last:
            known |= dict.fromkeys(OUTPUTS, classes)
        return {**known, **self.given}


def construct(layer: Callable[..., nn.Module] | nn.Module, place: Place) -> nn.Module:
    """Build a layer, with what its signature asks for and the configuration left out filled in from its place.

    Args:
        layer: a partial or a class; a module that is built already comes back as it is.
        place: where it stands.

    Raises:
        UserError: names the layer and the argument that is unknown, missing or refused.
    """
    if isinstance(layer, nn.Module):
        return layer
    if not callable(layer):
        raise UserError(
            f"network layer {place.name} is no layer: {layer!r}",
            "give   {_target_: torch.nn.Linear, out_features: 128}",
        )
    function, args, given = unwrap(layer)
    title = f"network layer {place.name} ({kind(layer)})"
    parameters = inspect.signature(function).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for key in given:
        if key not in parameters and not open_ended:
            raise UserError(f"{title} has no argument {key}", did_you_mean(key, parameters))
    positional = list(parameters)[: len(args)]
    known = place.arguments()
    filled = {n: known[n] for n in parameters if n in known and n not in given and n not in positional}
    for name, parameter in parameters.items():
        variadic = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.default is parameter.empty and not variadic and name not in {*given, *filled, *positional}:
            raise UserError(f"{title} needs {name}", _hint(name, place))
    try:
        module = function(*args, **given, **filled)
    except UserError as error:
        if error.problem.startswith("network"):
            raise
        raise UserError(f"network layer {place.name}: {error.problem}", error.hint) from error
    except Exception as error:
        hint = f"it was given {_listed(given)}; it gets {place.shape} at each step"
        raise UserError(f"{title}: {error}", hint) from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{title} gives a {type(module).__name__}, not a torch.nn.Module")
    return module


def unwrap(layer: Callable[..., Any]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """The class or function behind a partial, and what is bound to it."""
    if isinstance(layer, functools.partial):
        return layer.func, layer.args, dict(layer.keywords)
    return layer, (), {}


def kind(layer: Callable[..., Any] | nn.Module) -> str:
    """Name of a layer's class, also before it is built."""
    if isinstance(layer, nn.Module):
        return type(layer).__name__
    function = unwrap(layer)[0]
    return getattr(function, "__name__", type(function).__name__)


def lacks_outputs(layer: Callable[..., Any] | nn.Module) -> bool:
    """Whether a layer's signature has a number of outputs that the configuration left out."""
    if isinstance(layer, nn.Module) or not callable(layer):
        return False
    function, args, given = unwrap(layer)
    parameters = list(inspect.signature(function).parameters)
    return any(name in OUTPUTS and name not in given for name in parameters[len(args) :])


def _hint(name: str, place: Place) -> str:
    if name == "in_features":
        return f"it gets {place.shape}: put torch.nn.Flatten before it, or give in_features of the last dimension"
    if name in OUTPUTS:
        return "only the last layer that leaves it out gets the number of classes; give it here"
    return f"give it in the configuration: network.layers.{place.name.replace('.', '.layers.')}.{name}"


def _listed(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={v!r}" for k, v in given.items() if not callable(v)) or "no arguments"
