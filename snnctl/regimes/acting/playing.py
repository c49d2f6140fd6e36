"""Whole episodes, played by a policy."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from snnctl.environments.environment import Environment
from snnctl.environments.players import Finished

TOGETHER = 50  # episodes that are played side by side

Act = Callable[[np.ndarray], np.ndarray]  # observations (B, *shape) -> actions (B,)


def greedy(scores: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The action of the largest score; between equal ones, frequent among spike counts, the observation decides.

    A fixed one of them would run into the same wall for ever, a random one would make figures depend on the order.

    Args:
        scores: (B, actions). seen: (B, *shape) observations.

    Returns:
        (B,).
    """
    best = [np.flatnonzero(own == own.max()) for own in scores]
    return np.array([ties[zlib.crc32(own.tobytes()) % len(ties)] for ties, own in zip(best, seen, strict=True)])


def play(environment: Environment, purpose: str, episodes: int, act: Act) -> list[Finished]:
    """Play the first `episodes` episodes of a purpose; each once, whatever the others do.

    Args:
        environment: what is played.
        purpose: "train", "val" or "test".
        episodes: how many.
        act: the policy.

    Returns:
        The episodes, in the order of their numbers.
    """
    over: list[Finished] = []
    for first in range(0, episodes, TOGETHER):
        over += _together(environment, purpose, first, min(TOGETHER, episodes - first), act)
    return sorted(over, key=lambda one: one.number)


def _together(environment: Environment, purpose: str, first: int, count: int, act: Act) -> list[Finished]:
    singles = [environment.play(purpose, 1, first + k) for k in range(count)]
    over: list[Finished] = []
    while singles:
        actions = act(np.concatenate([one.seen for one in singles]))
        for one, action in zip(singles, actions, strict=True):
            one.step([action])
            over += one.finished
        singles = [one for one in singles if not one.finished]
    return over
