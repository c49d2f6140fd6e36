"""An environment, as the data module of a run: players, observations as input, and facts for the network."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from snnctl.datasets.draws import generator
from snnctl.datasets.facts import Facts
from snnctl.environments.players import Players
from snnctl.environments.turns import Turns
from snnctl.environments.world import World
from snnctl.errors import UserError, number, whole


class Environment(lightning.LightningDataModule):
    """What a policy is trained in.

        x[t] = encoding(scale o),   with `signed` encoding((max(scale o, 0), max(-scale o, 0))),   t = 0 ... T - 1

    The network sees each observation o for T time steps, from rest, and its output over them is the policy. What an
    encoding draws at random follows from the observation itself, so that it is encoded alike whenever it is seen.

    Args:
        world: called without arguments; see `snnctl.environments.world.World`.
        players: games side by side.
        steps: time steps T for an observation; None: as many as the world's own films have.
        dt: width of a time step, s.
        scale: factor of an observation's values, one number or one a value.
        signed: values above and below 0 are separate inputs, twice as many.
        encoding: how values become input; None: as they are, at every step.
        turns: updates an epoch.
        val_episodes, test_episodes: episodes of a validation and of the test; greedy actions.
        seed: of the episodes.

    Raises:
        UserError: a setting is out of its range, or contradicts the world.
    """

    def __init__(
        self,
        world: Callable[[], World],
        players: int = 8,
        steps: int | None = None,
        dt: float = 1e-3,
        scale: float | Sequence[float] = 1.0,
        signed: bool = False,
        encoding: Callable[..., Tensor] | None = None,
        turns: int = 100,
        val_episodes: int = 20,
        test_episodes: int = 100,
        seed: int = 0,
    ):
        super().__init__()
        counts = {"players": players, "turns": turns, "val_episodes": val_episodes, "test_episodes": test_episodes}
        for name, value in counts.items():
            whole(f"environment.{name} is", value)
        number("environment.dt is", dt, "s", 0, above=True)
        self.world = world()
        self.players, self.turns, self.seed = players, turns, seed
        self.episodes = {"val": val_episodes, "test": test_episodes}
        film = self.world.steps
        unfit = {"steps=null": steps not in (None, film), "encoding=null": encoding is not None, "signed=false": signed}
        if film is not None and any(unfit.values()):
            raise UserError(
                f"{self.world.name} gives events over {film} steps of its own",
                f"set   {' '.join(f'environment.{key}' for key, so in unfit.items() if so)}"
                "   and for more steps   environment.world.steps",
            )
        if film is None:
            whole("environment.steps is", steps, hint="expected at least 1 time step an observation")
        self.steps, self.signed, self.encoding = film or steps, signed, encoding
        self.scale = torch.tensor(scale, dtype=torch.float32, device="cpu")
        if (self.scale.dim() and tuple(self.scale.shape) != self.world.shape) or not self.scale.isfinite().all():
            raise UserError(
                f"environment.scale is {scale}, an observation of {self.world.name} has shape {self.world.shape}",
                "one finite number, or one a value",
            )
        shape = self.world.shape
        if signed:
            shape = (2 * shape[0], *shape[1:])
        if hasattr(encoding, "shape"):
            shape = tuple(encoding.shape(shape))
        self.facts = Facts(shape, self.world.actions, dt, self.steps)
        self.skipped: dict[str, str] = {}
        self.split: dict[str, list[int]] = {}

    @property
    def batch_size(self) -> int:
        """Observations that the network sees at once while it plays."""
        return self.players

    def play(self, purpose: str, count: int | None = None, first: int = 0) -> Players:
        """Games of "train", "val" or "test", at their beginning."""
        return Players(self.world, count or self.players, self.seed, purpose, first)

    def observe(self, seen: np.ndarray) -> Tensor:
        """Observations (B, *shape), of films (B, T, *shape), as input (T, B, *facts.shape)."""
        values = torch.from_numpy(np.ascontiguousarray(seen)) * self.scale
        if self.world.steps is not None:
            return values.transpose(0, 1)
        if self.signed:
            values = torch.cat([values.relu(), (-values).relu()], 1)
        if self.encoding is None:
            return values.expand(self.steps, *values.shape)
        draws = [generator(self.seed, 0, zlib.crc32(own.tobytes()), "encode") for own in seen]
        return self.encoding(values[None], self.steps, self.facts.dt, draws)

    def train_dataloader(self) -> Turns:
        """The turns of an epoch."""
        return Turns(self.turns, self.steps)

    def val_dataloader(self) -> Turns:
        """One turn: all episodes."""
        return Turns(1, self.steps)

    def test_dataloader(self) -> Turns:
        """One turn: all episodes."""
        return Turns(1, self.steps)

    def load_split(self, split: dict[str, Any]) -> None:
        """Nothing to split: train, val and test have episodes of their own."""
