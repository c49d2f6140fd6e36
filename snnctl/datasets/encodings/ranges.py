"""What an encoding takes: its settings and its values, refused by name, value, range and unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from torch import Tensor

from snnctl import errors
from snnctl.errors import UserError, did_you_mean, span

Generators = Sequence[np.random.Generator]
Outside = Literal["refuse", "clip"]  # what becomes of values outside the range


def number(
    owner: str, name: str, value: Any, unit: str, low: float = -math.inf, high: float = math.inf, above: bool = False
) -> None:
    """Refuse a setting that is no finite number of its range.

    Args:
        owner: the encoding's name.
        name, value: of the setting.
        unit: for the message.
        low, high: the range, ends included; `above` leaves out `low`.

    Raises:
        UserError: names the setting, its value, the range and the unit.
    """
    errors.number(f"{owner}: {name} is", value, unit, low, high, above)


def choice(owner: str, name: str, value: Any, options: Any) -> None:
    """Refuse a value that is not one of a Literal's.

    Raises:
        UserError: with the nearest right one.
    """
    if value not in get_args(options):
        raise UserError(f"{owner}: {name} is {value!r}", did_you_mean(str(value), map(str, get_args(options))))


def within(
    owner: str,
    values: Tensor,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "no unit",
    outside: Outside = "refuse",
    name: str = "a value",
) -> Tensor:
    """The values, which lie in their range, or are brought into it.

    Args:
        owner: the encoding's name.
        values: any shape.
        low, high: the range, ends included.
        unit: for the message.
        outside: "refuse", or "clip" to the nearer end; what is no finite number is always refused.
        name: what the values are, for the message.

    Raises:
        UserError: names the value, the range and the unit.
    """
    if not values.numel():
        return values
    least, most = (v.item() for v in values.aminmax())
    finite = math.isfinite(least) and math.isfinite(most)
    if finite and low <= least and most <= high:
        return values
    if finite and outside == "clip":
        return values.clamp(low, high)
    wrong = most if not math.isfinite(most) or most > high else least
    hint = "" if not finite or outside == "clip" else "\nto clip them   dataset.encoding.outside=clip"
    raise UserError(f"{owner}: {name} is {wrong:g}", f"range          {span(low, high)}, {unit}{hint}")


def still(owner: str, values: Tensor) -> Tensor:
    """The one row (B, *shape) of still images.

    Raises:
        UserError: the values are a series.
    """
    if len(values) != 1:
        raise UserError(f"{owner} encodes still images, and this is a series", "choose from direct, rate, delta")
    return values[0]
