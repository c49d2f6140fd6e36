"""For rules that set weights themselves: an optimizer that moves nothing, so that steps are counted as always."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from snnctl.datasets.batch import Batch
from snnctl.regimes.supervised import Supervised


class Unmoved(torch.optim.Optimizer):
    """Leaves parameters as they are; its steps are the trainer's."""

    def __init__(self, params: Any):
        super().__init__(params, {"lr": 0.0})

    def step(self, closure: Callable[[], Any] | None = None) -> None:
        """Count a step."""


class GradientFree(Supervised):
    """A regime whose batches set weights without a gradient: `learn(batch)`. Its optimizer and scheduler are not used.

    Args:
        args: as of `Supervised`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.automatic_optimization = False

    def learn(self, batch: Batch) -> None:
        """Take a batch of training samples."""
        raise NotImplementedError(f"{type(self).__name__} defines no learn")

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        with torch.no_grad():
            self.learn(batch)
        self.optimizers().step()

    def configure_optimizers(self) -> Any:
        return Unmoved(self.parameters())

    def outputs(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C)."""
        return self(batch)
