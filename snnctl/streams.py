"""Output that outlives its reader: a closed pipe ends no command, a full disk is one plain message."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from snnctl.errors import UserError


class Steady:
    """A text stream that goes on into nothing once nobody reads it (`snnctl train | head -2`).

    Args:
        stream: stdout or stderr.
        name: as in the message when it cannot be written for another reason, such as a full disk; such a stderr goes
            on into nothing too: where would the message go?

    Raises:
        UserError: from `write` and `flush`: stdout cannot be written.
    """

    def __init__(self, stream: TextIO, name: str):
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._lost(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        with open(os.devnull, "w") as nothing:  # also for what is left in the buffer, and for the flush at exit
            os.dup2(nothing.fileno(), self._stream.fileno())
        if not isinstance(error, BrokenPipeError) and self._name == "stdout":
            raise UserError(f"{self._name} cannot be written: {error.strerror}", "send it elsewhere") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


@contextmanager
def steady() -> Iterator[None]:
    """`Steady` in the place of stdout and stderr; as they were afterwards."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Steady(s, n) for s, n in zip(before, ("stdout", "stderr"), strict=True))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
