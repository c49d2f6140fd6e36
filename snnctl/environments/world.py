"""What a world is: gymnasium's interface of an environment, with the facts that a network needs."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Game(Protocol):
    """One running copy of a world, as gymnasium has it; the same seed and actions give the same course."""

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode: (observation, info)."""

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """(observation, reward, ended, cut at the time limit, info)."""

    def render(self) -> np.ndarray:
        """A picture (H, W, 3), uint8."""


class World(Protocol):
    """A kind of game.

    Attributes:
        name: for messages.
        shape: of an observation; of one time step where `steps` is given.
        actions: their names.
        steps: time steps of an observation that is a film (T, *shape); None: it is one set of values.
    """

    name: str
    shape: tuple[int, ...]
    actions: tuple[str, ...]
    steps: int | None

    def make(self, pictures: bool = False) -> Game:
        """A new game; with `pictures` it can be rendered."""
