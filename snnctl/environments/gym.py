"""The environments of gymnasium, by their id."""

from __future__ import annotations

import warnings
from typing import Any

from snnctl.environments.world import Game
from snnctl.errors import UserError, did_you_mean

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

    Raises:
        UserError: gymnasium, or what this environment needs, is not installed; there is no such id; its observations
            are no box of values, its actions no discrete set.

    Source: M. Towers et al. 2024, arXiv 2407.17032.
    """

    steps = None

    def __init__(self, id: str, options: dict[str, Any] | None = None):
        if ":" in id:  # gymnasium would import the module named before it
            raise UserError(f"{id} names a module to import", "give the id of an environment that is registered")
        self.name, self.options = id, dict(options or {})
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
        mode = {"render_mode": "rgb_array"} if pictures else {}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._gymnasium.make(self.name, **mode, **self.options)
        except (error.DependencyNotInstalled, ModuleNotFoundError) as missing:
            raise UserError(f"{self.name}: {missing}", INSTALL) from None
        except error.Error as problem:
            close = did_you_mean(self.name, self._gymnasium.registry)
            raise UserError(f"{self.name}: {str(problem).splitlines()[0]}", close) from None
        except TypeError as problem:
            raise UserError(f"{self.name}: {problem}", "see   environment.world.options") from None


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ModuleNotFoundError:
        raise UserError("this environment needs gymnasium, which is not installed", INSTALL) from None
    return gymnasium
