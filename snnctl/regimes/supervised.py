"""What every regime that learns from labels shares: steps, loss and accuracy, labels for a decoder that learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.metrics.decoders import Decoder, Learned
from snnctl.regimes.regime import Regime
from snnctl.regimes.tally import Tally


class Supervised(Regime):
    """A network, a loss and an optimizer. Subclasses say how outputs come about: `outputs(batch)`.

    Args:
        loss: as of `Regime`, and `forward(out, target, length) -> ()`.
        others: of `Regime`.
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
        super().__init__(network, loss, optimizer, scheduler, monitor, decoder, Tally)

    def outputs(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C), with the gradient that this regime trains with."""
        raise NotImplementedError

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
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.index))
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
        return out if batch.target.is_floating_point() else scores

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

    def load_running_state(self, state: dict[str, Any]) -> None:
        super().load_running_state(state)
        if self.tallies["train"].sums is not None:
            self.tallies["train"].sums = self.tallies["train"].sums.to(self.device)
