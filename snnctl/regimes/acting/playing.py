"""Whole episodes, played by a policy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snnctl.environments.environment import Environment
from snnctl.environments.players import Finished

TOGETHER = 50  # episodes that are played side by side

Act = Callable[[np.ndarray], np.ndarray]  # observations (B, *shape) -> actions (B,)


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
