"""Returns of an epoch's episodes: what stands in metrics.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snnctl.environments.players import Finished


class Returns:
    """Mean return and mean length of the episodes that ended since the last `reset`, and mean of further figures.

    Attributes:
        episodes: (return, length) of each.
    """

    def __init__(self):
        self.reset()

    def add(self, finished: Sequence[Finished]) -> None:
        """Count episodes."""
        self.episodes += [(one.total, one.length) for one in finished]

    def note(self, **figures: float | Tensor) -> None:
        """Count one value of each figure."""
        for name, value in figures.items():
            total, count = self.figures.get(name, (0.0, 0))
            self.figures[name] = total + float(value), count + 1

    def result(self) -> dict[str, Tensor]:
        """{"return", "length", the figures}, each (); empty where nothing was counted."""
        found = {name: torch.tensor(total / count) for name, (total, count) in self.figures.items()}
        if self.episodes:
            totals, lengths = zip(*self.episodes, strict=True)
            found["return"] = torch.tensor(sum(totals) / len(totals))
            found["length"] = torch.tensor(sum(lengths) / len(lengths))
        return found

    def reset(self) -> None:
        """Forget everything."""
        self.episodes: list[tuple[float, int]] = []
        self.figures: dict[str, tuple[float, int]] = {}

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"episodes": [list(one) for one in self.episodes], "figures": dict(self.figures)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.episodes = [(total, length) for total, length in state["episodes"]]
        self.figures = {name: (total, count) for name, (total, count) in state["figures"].items()}
