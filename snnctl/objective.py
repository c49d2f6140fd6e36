"""The metric that a run is judged by."""

from __future__ import annotations


def falls(objective: str) -> bool:
    """Whether less is better: a loss, an error, a cost."""
    return any(word in objective for word in ("loss", "error", "energy", "synops"))
