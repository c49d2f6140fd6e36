"""What was lived through lately, for learning from it again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snnctl.environments.players import Step


class Replay:
    """The last `capacity` transitions, oldest out first.

    Args:
        capacity: transitions. shape: of an observation.
    """

    def __init__(self, capacity: int, shape: tuple[int, ...]):
        self.capacity, self.count = capacity, 0
        self.seen, self.after = (torch.zeros(capacity, *shape) for _ in range(2))
        self.action, self.reward = torch.zeros(capacity, dtype=torch.int64), torch.zeros(capacity)
        self.ended = torch.zeros(capacity, dtype=torch.bool)

    def __len__(self) -> int:
        return min(self.count, self.capacity)

    def add(self, seen: np.ndarray, action: Tensor, step: Step) -> None:
        """Keep one transition of each player."""
        places = torch.arange(self.count, self.count + len(seen)) % self.capacity
        for own, values in ((self.seen, seen), (self.after, step.after), (self.action, action),
                            (self.reward, step.reward), (self.ended, step.ended)):  # fmt: skip
            own[places] = torch.as_tensor(values)
        self.count += len(seen)

    def draw(self, size: int) -> dict[str, Tensor]:
        """`size` transitions at random, with repetition, from torch's generator."""
        chosen = torch.randint(len(self), (size,))
        return {n: getattr(self, n)[chosen] for n in ("seen", "after", "action", "reward", "ended")}

    def state_dict(self) -> dict[str, Tensor | int]:
        """What is in it."""
        there = len(self)
        return {"count": self.count} | {
            n: getattr(self, n)[:there] for n in ("seen", "after", "action", "reward", "ended")
        }

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Go on with a saved one."""
        self.count = state["count"]
        for name in ("seen", "after", "action", "reward", "ended"):
            getattr(self, name)[: len(state[name])] = state[name]
