"""What every regime that learns from labels by a gradient shares: steps, epoch metrics, optimizer and schedule."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.metrics.decoders import Decoder, Learned
from snnctl.regimes.tally import Tally


class Supervised(lightning.LightningModule):
    """A network, a loss and an optimizer. Subclasses say how outputs come about: `outputs(batch)`.

    Args:
        network: (T, B, ...) -> ((T, B, C), state).
        loss: `scores(out, length) -> (B, C)` and `forward(out, target, length) -> ()`.
        optimizer: parameters -> torch optimizer.
        scheduler: optimizer -> torch learning-rate schedule; `total_steps` or `T_max` is filled in from the trainer
            and the schedule then moves every step; any other moves every epoch.
        monitor: the metric that a plateau schedule watches.
        decoder: `scores(out, length) -> (B, C)`, which class is predicted in evaluation; None: the loss's scores.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        monitor: str = "val/acc",
        decoder: Decoder | None = None,
    ):
        super().__init__()
        self.network = network
        self.loss = loss
        self.decoder = decoder
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._monitor = monitor
        self.tallies = {stage: Tally() for stage in ("train", "val", "test")}

    def outputs(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C), with the gradient that this regime trains with."""
        raise NotImplementedError

    def check(self, batch_size: int) -> None:
        """Raises a UserError for what this regime cannot train with batches of this size; `snnctl check` asks."""

    def penalty(self, batch: Batch) -> Tensor | None:
        """What a regularizer adds to the training loss, shape (), or None."""
        return None

    def forward(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C), without regime: what evaluation sees."""
        return self.network(batch.x)[0]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        out = self.outputs(batch)
        loss = self.loss(out, batch.target, batch.length)
        self.tallies["train"].add(loss, self.loss.scores(out, batch.length), batch.target)
        if self._row_due():
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))
        penalty = self.penalty(batch)
        return loss if penalty is None else loss + penalty

    def _row_due(self) -> bool:
        """Whether the loggers write what this step logs; what they would not, costs 3 % of a small network's step."""
        every = self.trainer.log_every_n_steps
        return bool(every) and ((self.trainer.global_step + 1) % every == 0 or self.trainer.should_stop)

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self._evaluate("val", batch)

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self._evaluate("test", batch)

    def _evaluate(self, stage: str, batch: Batch) -> Tensor:
        out = self(batch)
        scores = (self.decoder or self.loss).scores(out, batch.length)
        self.tallies[stage].add(self.loss(out, batch.target, batch.length), scores, batch.target)
        return scores

    def on_validation_model_eval(self) -> None:
        super().on_validation_model_eval()
        self._show_labels()

    def on_test_model_eval(self) -> None:
        super().on_test_model_eval()
        self._show_labels()

    def _show_labels(self) -> None:
        """For a decoder that learns, run the training samples through the network, before any hook counts its work."""
        if not isinstance(self.decoder, Learned):
            return
        data = self.trainer.datamodule
        self.decoder.start(len(data.facts.classes))
        for batch in data.loader("train"):
            batch = self.trainer.strategy.batch_to_device(batch)
            with self.trainer.precision_plugin.forward_context():
                out = self(batch)
            self.decoder.add(out, batch.target, batch.length)
        self.decoder.finish()

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
        if self.tallies["train"].sums is not None:
            self.tallies["train"].sums = self.tallies["train"].sums.to(self.device)

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
