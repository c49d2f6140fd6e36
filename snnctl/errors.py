"""Errors a user can cause: one message, one hint, exit code 2."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """The user's input is wrong. Shown as `problem` and `hint`, without a traceback; exit code 2.

    Args:
        problem: what is wrong, in one line that names the key, file or layer.
        hint: what to do about it: the nearest right name, the range, the command to run. May span lines.
    """

    exit_code = 2

    def __init__(self, problem: str, hint: str = ""):
        super().__init__(problem if not hint else f"{problem}\n{hint}")
        self.problem = problem
        self.hint = hint

    def __reduce__(self):  # survives a DataLoader worker's pickle
        return type(self), (self.problem, self.hint)


class NoDevice(UserError):
    """No hardware is attached. The artefact is kept; exit code 3."""

    exit_code = 3


class Interrupted(UserError):
    """A signal stopped the run; exit code 130 for Ctrl-C, 143 for SIGTERM.

    Args:
        problem, hint: as of UserError.
        signal: its number.
    """

    def __init__(self, problem: str, hint: str = "", signal: int = 2):
        super().__init__(problem, hint)
        self.signal = signal
        self.exit_code = 128 + signal


class RunFailed(UserError):
    """The run itself failed, through no fault of the input; exit code 1."""

    exit_code = 1


def number(
    what: str, value: Any, unit: str, low: float = -math.inf, high: float = math.inf, above: bool = False
) -> float:
    """The value, if it is a finite number of a range.

    Args:
        what: the beginning of the message, which the value follows: "Rate: start is", "loss.scale =".
        unit: for the message.
        low, high: the range, ends included; `above` leaves out `low`.

    Raises:
        UserError: names the parameter, its value, the range and the unit.
    """
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or not low <= value <= high or (above and value == low):
        raise UserError(f"{what} {value!r}", f"range          {span(low, high, above)}, {unit}")
    return value


def whole(what: str, value: Any, low: int = 1, hint: str = "") -> int:
    """The value, if it is a whole number of at least `low`.

    Args:
        what: the beginning of the message, which the value follows: "EventGrid: size is", "regime.batch =".
        hint: what to do; "": says what was expected.

    Raises:
        UserError: names the parameter and its value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise UserError(f"{what} {value!r}", hint or f"expected a whole number of at least {low}")
    return value


def span(low: float, high: float, above: bool = False) -> str:
    """A range in words: "above 0 to 1", "finite, 0 or more", "finite"."""
    if math.isinf(low):
        return "finite" if math.isinf(high) else f"finite, at most {high:g}"
    start = f"{'above ' if above else ''}{low:g}"
    return f"finite, {start}{'' if above else ' or more'}" if math.isinf(high) else f"{start} to {high:g}"


def nearest(name: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """The right names closest to a wrong one, best first; empty when nothing is close."""
    return difflib.get_close_matches(name, list(choices), n=n, cutoff=0.5)


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """`did you mean  x` for the nearest of `choices`, else a list of them."""
    choices = list(choices)
    close = nearest(name, choices)
    if close:
        return "did you mean   " + ", ".join(close)
    shown = ", ".join(sorted(choices)[:12]) + (", ..." if len(choices) > 12 else "")
    return f"choose from    {shown}" if choices else ""
