"""Sums of an epoch: mean loss and accuracy over samples, the same however the samples were batched or resumed."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Tally:
    """Mean loss and accuracy over the samples seen since the last `reset`.

        loss = sum_b loss_b n_b / sum_b n_b,   acc = right / n, where targets are classes

    Sums are kept in float64 on the device, so that no step waits for the device and a resumed epoch
    ends in the same digits.
    """

    def __init__(self):
        self.sums: Tensor | None = None

    def add(self, loss: Tensor, scores: Tensor, target: Tensor) -> None:
        """Count a batch.

        Args:
            loss: mean loss of the batch, shape ().
            scores: (B, C), the largest is the prediction.
            target: (B,) class indices; or (T, B, C) traces, which are followed, not guessed right.
        """
        loss, n = loss.detach().double(), len(scores)
        right = loss.new_tensor(math.nan) if target.is_floating_point() else (scores.argmax(1) == target).sum().double()
        batch = torch.stack([loss * n, right, loss.new_tensor(n)])
        self.sums = batch if self.sums is None else self.sums + batch

    def result(self) -> dict[str, Tensor]:
        """{"loss": (), "acc": ()} over all processes, of traces no acc; empty if nothing was counted anywhere."""
        sums = torch.zeros(3, dtype=torch.float64) if self.sums is None else self.sums
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            sums = sums.clone()
            torch.distributed.all_reduce(sums)
        if self.sums is None and not sums[2]:
            return {}
        loss, acc = (sums[:2] / sums[2]).float()
        return {"loss": loss} if acc.isnan() else {"loss": loss, "acc": acc}

    def reset(self) -> None:
        self.sums = None

    def state_dict(self) -> dict[str, Tensor | None]:
        return {"sums": None if self.sums is None else self.sums.cpu()}

    def load_state_dict(self, state: dict[str, Tensor | None]) -> None:
        self.sums = state["sums"]
