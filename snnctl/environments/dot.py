"""Dot tracing: follow a moving dot across a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnctl.errors import number, whole

MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}


class DotTracing:
    """A dot wanders over a square grid, the agent's own dot is to follow it.

    The target keeps its direction, turns to another with the chance `turn` at each step, and bounces off the walls.
    Both dots leave a trail of their last places, of brightness 1 - k / trail k steps ago. The reward is, along rows and
    along columns, +1 for a move that brings the agent nearer to where the target now is, -1 for one that takes it away
    and 0 otherwise. This is the task of BindsNET's example dot_tracing (H. Hazan et al. 2018,
    doi 10.3389/fninf.2018.00089) with its directional reward.

    Args:
        size: cells a side, 3 or more. trail: places of a dot that are seen, 1 or more.
        turn: chance of a new direction, a step, 0 to 1.
        longest: moves of an episode.
        centred: the picture moves with the agent's dot, which is then not drawn, and is 2 size - 1 a side; false: the
            grid as it is, with both dots, which look alike.

    Raises:
        UserError: a value is out of its range.
    """

    steps = None
    actions = tuple(MOVES)

    def __init__(self, size: int = 10, trail: int = 4, turn: float = 0.15, longest: int = 100, centred: bool = True):
        for name, value, low in (("size", size, 3), ("trail", trail, 1), ("longest", longest, 1)):
            whole(f"DotTracing: {name} is", value, low)
        number("DotTracing: turn is", turn, "chance a step", 0, 1)
        self.name = "DotTracing"
        self.size, self.trail, self.turn, self.longest, self.centred = size, trail, turn, longest, centred
        self.shape = (1, *(2 * size - 1 if centred else size,) * 2)

    def make(self, pictures: bool = False) -> DotTracingGame:
        """A new game."""
        return DotTracingGame(self)


class DotTracingGame:
    """One `DotTracing`, with gymnasium's interface."""

    def __init__(self, world: DotTracing):
        self.world = world

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Both dots and the target's direction are drawn from the seed."""
        self._random = np.random.default_rng(seed)
        target, own = (self._random.integers(self.world.size, size=2) for _ in range(2))
        self.target, self.own = [target], [own]  # newest first
        self.direction = np.array(list(MOVES.values())[self._random.integers(len(MOVES))])
        self.moves = 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Both dots move: (picture (1, H, W), reward, False, cut, {})."""
        before = self.own[0]
        self._move(self.own, np.clip(before + MOVES[self.world.actions[action]], 0, self.world.size - 1))
        if self._random.random() < self.world.turn:
            self.direction = np.array(list(MOVES.values())[self._random.integers(len(MOVES))])
        there = self.target[0] + self.direction
        if ((there < 0) | (there >= self.world.size)).any():
            self.direction = -self.direction
            there = self.target[0] + self.direction
        self._move(self.target, there)
        self.moves += 1
        nearer = np.abs(self.target[0] - before) - np.abs(self.target[0] - self.own[0])
        return self._seen(), float(np.sign(nearer).sum()), False, self.moves >= self.world.longest, {}

    def _move(self, dot: list[np.ndarray], place: np.ndarray) -> None:
        dot.insert(0, place)
        del dot[self.world.trail :]

    def _seen(self) -> np.ndarray:
        world = self.world
        seen = np.zeros(world.shape, dtype=np.float32)
        middle = world.size - 1 - self.own[0] if world.centred else np.zeros(2, dtype=int)
        for dot in (self.target,) if world.centred else (self.target, self.own):
            for k, place in reversed(list(enumerate(dot))):
                r, c = place + middle
                seen[0, r, c] = max(seen[0, r, c], 1 - k / world.trail)
        return seen

    def render(self) -> np.ndarray:
        """The grid, (H, W, 3) uint8: the target orange, the agent's dot blue."""
        picture = np.full((self.world.size, self.world.size, 3), 30, dtype=np.uint8)
        for dot, colour in ((self.target, (255, 127, 14)), (self.own, (70, 150, 255))):
            for k, place in reversed(list(enumerate(dot))):
                picture[tuple(place)] = np.array(colour) * (1 - k / self.world.trail) + 30 * k / self.world.trail
        scale = max(1, 240 // len(picture))
        return picture.repeat(scale, 0).repeat(scale, 1)
