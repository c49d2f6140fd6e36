"""A neuron's numbers: their unit and range, and how a value is spread over a layer's channels or neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from snnctl.errors import UserError, did_you_mean

Value = float | Sequence | Tensor  # one number for the layer, or one a channel or neuron
Per = Literal["layer", "channel", "neuron"]


@dataclass(frozen=True)
class Kind:
    """What sort of number a parameter is.

    Args:
        unit: SI unit, for messages.
        above: every value must lie above this.
        log: learned as its natural logarithm, which keeps it above 0.
    """

    unit: str
    above: float = -math.inf
    log: bool = False


TIME = Kind("s", above=0.0, log=True)  # a time constant
POTENTIAL = Kind("unit of v")


def plain(owner: str, name: str, value: Any, kind: Kind) -> float | Tensor:
    """A user's value as a float (one number) or a tensor on the CPU (several), checked.

    Raises:
        UserError: not a number, not finite, or out of the kind's range.
    """
    try:
        tensor = torch.as_tensor(_unwrapped(value), dtype=torch.float64, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError):
        hint = f"wanted         a number or a list of numbers, {kind.unit}"
        raise UserError(f"{owner}: {name} is {value!r}", hint) from None
    bad = tensor[~torch.isfinite(tensor) | (tensor <= kind.above)]
    if bad.numel() or not tensor.numel():
        shown = f"{bad[0].item():g} {kind.unit}" if bad.numel() else "empty"
        limit = f" above {kind.above:g}" if math.isfinite(kind.above) else ""
        raise UserError(f"{owner}: {name} is {shown}", f"range          finite{limit}, {kind.unit}")
    return tensor.item() if tensor.numel() == 1 else tensor.to(torch.get_default_dtype())


def spread(owner: str, name: str, value: float | Tensor, per: Per, shape: tuple[int, ...] | None) -> Tensor:
    """The value as a tensor that broadcasts against one time step (B, *shape).

    Args:
        value: one number, or as many as there are channels or neurons.
        per: layer gives shape (), channel (C, 1, ...), neuron `shape`.
        shape: one time step without the batch, channels first; None where unknown: a list per neuron is taken as is.

    Raises:
        UserError: several values in a layer's one place, a wrong number of values, or an unknown shape.
    """
    several = isinstance(value, Tensor)
    if per == "layer":
        if several:
            problem = f"{owner}: {name} has {value.numel()} values, but per is layer"
            raise UserError(problem, "set            per: channel, or per: neuron")
        return torch.tensor(value)
    if shape is None:
        if several and per == "neuron":
            return value
        raise UserError(f"{owner}: {name} per {per} needs the layer's shape", "give           shape=(channels, ...)")
    target = shape if per == "neuron" else (shape[0], *(1 for _ in shape[1:]))
    if not several:
        return torch.full(target, value)
    if value.numel() != math.prod(target):
        raise UserError(
            f"{owner}: {name} has {value.numel()} values for {math.prod(target)} {per}s",
            f"wanted         one number, or a list of {math.prod(target)} (a time step is {shape})",
        )
    return value.reshape(target)


def one_of(owner: str, option: str, value: Any, choices: Any) -> Any:
    """`value` if it is one of a Literal's choices, else a UserError that lists them."""
    names = get_args(choices)
    if not any(value == name and type(value) is type(name) for name in names):
        raise UserError(f"{owner}: {option} is {value!r}", did_you_mean(str(value), map(str, names)))
    return value


def _unwrapped(value: Any) -> Any:
    """Lists of any make (OmegaConf's too) as lists of floats; a bool is no number."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_unwrapped(item) for item in value]
    if isinstance(value, bool | str):
        raise TypeError(f"{value!r} is not a number")
    return value
