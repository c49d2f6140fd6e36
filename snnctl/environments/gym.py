"""The environments of gymnasium, by their id."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from snnctl.environments.world import Game
from snnctl.errors import UserError, did_you_mean, whole

INSTALL = "install it   pip install 'gymnasium[classic-control]>=1.0'"
NAMES = {  # of the actions, where the documentation of gymnasium has them
    "CartPole": ("left", "right"),
    "Acrobot": ("torque -1", "torque 0", "torque +1"),
    "MountainCar": ("left", "none", "right"),
}


class Gym:
    """An environment of gymnasium with a box of observations and a discrete set of actions.

    Args:
        id: as registered there, "CartPole-v1".
        options: further arguments of `gymnasium.make`.
        repeat: moves that an action lasts, 1 and above; their rewards are summed.

    Raises:
        UserError: gymnasium, or what this environment needs, is not installed; there is no such id; its observations
            are no box of values, its actions no discrete set.

    Source: M. Towers et al. 2024, arXiv 2407.17032; repeated actions: V. Mnih et al. 2015, doi:10.1038/nature14236.
    """

    steps = None

    def __init__(self, id: str, options: dict[str, Any] | None = None, repeat: int = 1):
        if ":" in id:  # gymnasium would import the module named before it
            raise UserError(f"{id} names a module to import", "give the id of an environment that is registered")
        whole("environment.world.repeat is", repeat)
        self.name, self.options, self.repeat = id, dict(options or {}), repeat
        self._gymnasium = _gymnasium()
        game = self.make()
        seen, acts = game.observation_space, game.action_space
        if not isinstance(seen, self._gymnasium.spaces.Box) or not isinstance(acts, self._gymnasium.spaces.Discrete):
            raise UserError(
                f"{id} has observations {seen} and actions {acts}",
                "expected a Box of values and a Discrete set of actions, such as CartPole-v1",
            )
        self.shape = tuple(seen.shape)
        names = NAMES.get(id.rpartition("-")[0], ())
        self.actions = names if len(names) == acts.n else tuple(str(n) for n in range(acts.n))
        self.first = int(acts.start)

    def make(self, pictures: bool = False) -> Game:
        """A new game.

        Raises:
            UserError: there is no such id, or what it needs is not installed.
        """
        error = self._gymnasium.error
        mode = {}
        if pictures:
            mode = {"render_mode": "rgb_array"}
            os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame draws in memory, and would complain of no screen
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                game = self._gymnasium.make(self.name, **mode, **self.options)
                return game if self.repeat == 1 else Repeated(game, self.repeat)
        except (error.DependencyNotInstalled, ModuleNotFoundError) as missing:
            raise UserError(f"{self.name}: {missing}", INSTALL) from None
        except error.Error as problem:
            close = did_you_mean(self.name, self._gymnasium.registry)
            raise UserError(f"{self.name}: {str(problem).splitlines()[0]}", close) from None
        except TypeError as problem:
            raise UserError(f"{self.name}: {problem}", "see   environment.world.options") from None


class Repeated:
    """A game in which an action lasts several moves.

    Args:
        game: whose moves. count: of an action; fewer where the episode is over before.
    """

    def __init__(self, game: Any, count: int):
        self.game, self.count = game, count
        self.observation_space, self.action_space = game.observation_space, game.action_space

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        return self.game.reset(seed=seed)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        total = 0.0
        for _ in range(self.count):
            seen, reward, ended, cut, info = self.game.step(action)
            total += float(reward)
            if ended or cut:
                break
        return seen, total, ended, cut, info

    def render(self) -> np.ndarray:
        return self.game.render()


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ModuleNotFoundError:
        raise UserError("this environment needs gymnasium, which is not installed", INSTALL) from None
    return gymnasium
