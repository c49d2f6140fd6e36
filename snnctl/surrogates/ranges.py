"""What values the numbers of a surrogate may take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Range:
    """The values that a field may take.

    Args:
        words: as an error message says it: "a finite number above 0".
        holds: value -> whether it is one of them.
    """

    words: str
    holds: Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def above(low: float) -> Range:
    """Finite numbers above `low`."""
    return Range(f"a finite number above {low:g}", lambda value: _number(value) and value > low)


def from_(low: float) -> Range:
    """Finite numbers from `low` on."""
    return Range(f"a finite number, {low:g} and above", lambda value: _number(value) and value >= low)


def one_of(*choices: Any) -> Range:
    """A few values of one type."""
    words = " or ".join(str(choice) for choice in choices)
    return Range(words, lambda value: type(value) is type(choices[0]) and value in choices)


POSITIVE = above(0)
ANY = Range("a finite number", _number)
COUNT = Range("a whole number, 1 and above", lambda value: type(value) is int and value >= 1)
FLAG = one_of(False, True)


def ranged(default: Any, range: Range) -> Any:
    """A dataclass field with a range other than `POSITIVE`, which is that of a plain one."""
    return field(default=default, metadata={"range": range})
