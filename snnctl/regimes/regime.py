"""What every regime shares: a network, a loss, an optimizer and its schedule, and figures counted by epoch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import nn

from snnctl.metrics.decoders import Decoder


class Regime(lightning.LightningModule):
    """A network that learns.

    Args:
        network: (T, B, ...) -> ((T, B, C), state).
        loss: `scores(out, length) -> (B, C)`.
        optimizer: parameters -> torch optimizer.
        scheduler: optimizer -> torch learning-rate schedule; `total_steps` or `T_max` is filled in from the trainer
            and the schedule then moves every step; any other moves every epoch.
        monitor: the metric that a plateau schedule watches.
        decoder: `scores(out, length) -> (B, C)`, which class or action is chosen in evaluation; None: the loss's.
        tally: makes what counts a stage: `reset()`, `result()`, `state_dict()`, `load_state_dict()`.

    Attributes:
        tallies: "train", "val" and "test" -> what was counted of the running epoch.
        acts: it learns in an environment, not from a labelled set. takes_traces: targets may be traces (T, B, C).
    """

    acts = False
    takes_traces = False

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None,
        monitor: str,
        decoder: Decoder | None,
        tally: Callable[[], Any],
    ):
        super().__init__()
        self.network, self.loss, self.decoder = network, loss, decoder
        self._optimizer, self._scheduler, self._monitor = optimizer, scheduler, monitor
        self.tallies = {stage: tally() for stage in ("train", "val", "test")}

    def check(self, batch_size: int) -> None:
        """Raises a UserError for what this regime cannot train with batches of this size; `snnctl check` asks."""

    def on_train_epoch_start(self) -> None:
        self.tallies["train"].reset()

    def on_validation_epoch_start(self) -> None:
        self.tallies["val"].reset()

    def on_test_epoch_start(self) -> None:
        self.tallies["test"].reset()

    def on_train_epoch_end(self) -> None:
        self._log_tally("train")

    def on_validation_epoch_end(self) -> None:
        self._log_tally("val")

    def on_test_epoch_end(self) -> None:
        self._log_tally("test")

    def _log_tally(self, stage: str) -> None:
        for name, value in self.tallies[stage].result().items():
            self.log(f"{stage}/{name}", value, prog_bar=True, batch_size=1)

    def running_state(self) -> dict[str, Any]:
        """What this process has counted of the running epoch; kept in checkpoints."""
        return self.tallies["train"].state_dict()

    def load_running_state(self, state: dict[str, Any]) -> None:
        self.tallies["train"].load_state_dict(state)

    def configure_optimizers(self) -> Any:
        optimizer = self._optimizer([p for p in self.parameters() if p.requires_grad])
        if self._scheduler is None:
            return optimizer
        arguments = inspect.signature(self._scheduler).parameters
        given = getattr(self._scheduler, "keywords", {})
        steps = {}
        for name in ("total_steps", "T_max"):
            if name in arguments and given.get(name) is None and "epochs" not in given:
                # one cycle divides by the length of its rise: a run of a few steps gets the beginning of a longer cycle
                shortest = math.ceil(2 / given.get("pct_start", 0.3)) if name == "total_steps" else 1
                steps[name] = max(shortest, int(self.trainer.estimated_stepping_batches))
        schedule = {
            "scheduler": self._scheduler(optimizer, **steps),
            "interval": "step" if "total_steps" in arguments or steps else "epoch",
            "monitor": self._monitor,
        }
        return {"optimizer": optimizer, "lr_scheduler": schedule}
