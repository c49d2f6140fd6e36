"""Many games side by side, each episode's course given by its seed and its actions alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from snnctl.datasets.draws import generator
from snnctl.environments.world import World
from snnctl.errors import RunFailed


class Finished(NamedTuple):
    """An episode that is over: its sum of rewards, its number of actions, which player's, and its number."""

    total: float
    length: int
    player: int
    number: int


class Step(NamedTuple):
    """What an action led to, of each player.

    Args:
        after: (B, *shape) observation behind the action; of an episode that is over, its last.
        reward: (B,) float32. ended: (B,) bool, the world says that it is over. over: (B,) bool, ended or cut.
    """

    after: np.ndarray
    reward: np.ndarray
    ended: np.ndarray
    over: np.ndarray


class Players:
    """`count` games that start again by themselves.

    The episode number n of player k has a seed drawn from (seed, purpose, n count + k). A state is the number of each
    running episode and its actions so far; loading it plays them again, so any world that its seed determines is
    resumed exactly, whatever it is made of.

    Args:
        world: the kind of game.
        count: how many.
        seed: the run's.
        purpose: "train", "val" or "test": each has episodes of its own.
        first: number of player 0's first episode; evaluation uses it to play in parts.

    Attributes:
        seen: (B, *shape) what each player sees now. finished: episodes that are over; whoever reads it clears it.
    """

    def __init__(self, world: World, count: int, seed: int, purpose: str, first: int = 0):
        self.world, self.count, self.seed, self.purpose = world, count, seed, purpose
        self.games = [world.make() for _ in range(count)]
        self.numbers = [first + k for k in range(count)]
        self.actions: list[list[int]] = [[] for _ in range(count)]
        self.totals = [0.0] * count
        self.finished: list[Finished] = []
        self.seen = np.stack([self._begin(k) for k in range(count)])

    def step(self, actions: Sequence[int]) -> Step:
        """Every player acts; one whose episode is over begins the next.

        Raises:
            RunFailed: a reward is no finite number.
        """
        rows = []
        for k, action in enumerate(actions):
            after, reward, ended, cut = self._act(k, int(action))
            rows.append((after, reward, ended, ended or cut))
            self._go_on(k, after, ended or cut)
        after, reward, ended, over = zip(*rows, strict=True)
        return Step(np.stack(after), np.array(reward, np.float32), np.array(ended), np.array(over))

    def step_one(self, k: int, action: int) -> tuple[float, bool]:
        """Player k acts, as in `step`: (reward, whether the episode is over)."""
        after, reward, ended, cut = self._act(k, action)
        self._go_on(k, after, ended or cut)
        return reward, ended or cut

    def _go_on(self, k: int, after: np.ndarray, over: bool) -> None:
        if over:
            self.finished.append(Finished(self.totals[k], len(self.actions[k]), k, self.numbers[k]))
            self.numbers[k] += self.count
        self.seen[k] = self._begin(k) if over else after

    def _begin(self, k: int) -> np.ndarray:
        self.actions[k], self.totals[k] = [], 0.0
        return _values(self.games[k].reset(seed=episode_seed(self.seed, self.purpose, self.numbers[k]))[0])

    def _act(self, k: int, action: int) -> tuple[np.ndarray, float, bool, bool]:
        after, reward, ended, cut, _ = self.games[k].step(action + getattr(self.world, "first", 0))
        if not math.isfinite(reward):
            raise RunFailed(
                f"{self.world.name} gave the reward {reward} after {len(self.actions[k]) + 1} actions",
                "a reward is a finite number; mend the world",
            )
        self.actions[k].append(action)
        self.totals[k] += float(reward)
        return _values(after), float(reward), bool(ended), bool(cut)

    def state_dict(self) -> dict[str, Any]:
        """Numbers and actions of the running episodes, plain values."""
        return {"numbers": list(self.numbers), "actions": [list(own) for own in self.actions]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Play the running episodes of a saved state up to where they were."""
        self.finished = []
        for k, (number, actions) in enumerate(zip(state["numbers"], state["actions"], strict=True)):
            self.numbers[k] = number
            self.seen[k] = self._begin(k)
            for action in actions:
                self.seen[k] = self._act(k, action)[0]


def episode_seed(seed: int, purpose: str, number: int) -> int:
    """The seed of an episode."""
    return int(generator(seed, 0, number, f"episode {purpose}").integers(2**31))


def _values(observation: Any) -> np.ndarray:
    return np.asarray(observation, dtype=np.float32)
