"""Errors a user can cause: one message, one hint, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
