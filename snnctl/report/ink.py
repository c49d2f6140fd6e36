"""Faint and bold text on a terminal that wants it."""

from __future__ import annotations

import os
import sys


def faint(text: str) -> str:
    """For comments."""
    return _styled(text, "2")


def bold(text: str) -> str:
    """For names."""
    return _styled(text, "1")


def _styled(text: str, code: str) -> str:
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\x1b[{code}m{text}\x1b[0m" if wanted and text else text
