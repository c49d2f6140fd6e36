"""What stands for batches where the samples come from playing: turns, so many an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Turn(NamedTuple):
    """One turn of a regime that acts.

    Args:
        number: () int64, within the epoch.
        length: (1,) int64, time steps of an observation, all alike.
    """

    number: Tensor
    length: Tensor


class Turns:
    """An iterable of Turn, which a killed run goes on with where it was.

    Args:
        count: turns an epoch. steps: time steps of an observation.
    """

    batch_sampler = None  # Lightning looks for it where there is a sampler

    def __init__(self, count: int, steps: int):
        self.count, self.steps = count, steps
        self.epoch = self.turn = 0
        self._resumed = False

    @property
    def sampler(self) -> Turns:
        """Itself: Lightning calls `loader.sampler.set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; another one than that of a loaded state starts at its beginning."""
        if epoch != self.epoch:
            self.epoch, self.turn, self._resumed = epoch, 0, False

    def state_dict(self) -> dict[str, int]:
        """Where it stands: {"epoch", "batch"}."""
        return {"epoch": self.epoch, "batch": self.turn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind turn number `batch` of `epoch` at the next iteration."""
        self.epoch, self.turn, self._resumed = state["epoch"], state["batch"], True

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Turn]:
        start = self.turn if self._resumed else 0
        self._resumed = False
        for number in range(start, self.count):
            self.turn = number + 1
            yield Turn(torch.tensor(number), torch.tensor([self.steps]))
        self.turn = 0
