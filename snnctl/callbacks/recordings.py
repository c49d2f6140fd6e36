"""What happens inside the network, over epochs: recordings of the same samples, as pictures and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from snnctl.errors import UserError
from snnctl.report import pictures
from snnctl.report.board import Board
from snnctl.report.recording import record, write_npz


class Recordings(lightning.Callback):
    """Before the first epoch, every k epochs and after the last, records the same validation samples.

        <run>/recorded/epoch003/recorded.npz, 000_overview.png ...     the number is of the epochs trained

    With tensorboard's logger the pictures go there too.

    Training goes on as if nobody had looked: the same random numbers, the same weights.

    Args:
        every: epochs between two, 1 and above.
        samples: how many, spread evenly over the validation part, 1 to dataset.batch_size.
        fields: as of `snnctl.report.recording.record`: spikes, v, input, output, grad_input, grad_output, ...
        kinds: of pictures: overview, raster, trace, heat, histogram, intervals, maps, animation, or all.

    Raises:
        UserError: every or samples is below 1, there is no such kind, field or validation sample.
    """

    def __init__(
        self,
        every: int = 1,
        samples: int = 2,
        fields: str | Sequence[str] = ("spikes", "v"),
        kinds: str | Sequence[str] = ("overview",),
    ):
        for name, value in (("every", every), ("samples", samples)):
            if value < 1:
                raise UserError(f"Recordings: {name} = {value}", "range   1 and above")
        self.every = every
        self.samples = samples
        self.fields = [fields] if isinstance(fields, str) else list(fields)
        self.kinds = pictures.chosen(kinds)
        self._epoch = 0

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.current_epoch == 0 and trainer.global_step == 0:  # a field that no layer has ends the run here
            self._record(trainer, pl_module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._epoch = trainer.current_epoch + 1
        if self._epoch % self.every == 0:
            self._record(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self._epoch % self.every:
            self._record(trainer, pl_module)

    def _record(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            with _unseen(pl_module.network):
                self._write(trainer, pl_module, self._epoch)

    def _write(self, trainer: lightning.Trainer, pl_module: Any, epoch: int) -> None:
        data = trainer.datamodule
        loader = data.val_dataloader()
        if not len(loader):
            raise UserError("Recordings: there are no validation samples", "set dataset.val_fraction above 0")
        there = len(loader.index)
        count = min(self.samples, there, loader.batch_size)
        loader.index = loader.index[np.arange(count) * there // count]
        (batch,) = loader
        x, target, length, index = trainer.strategy.batch_to_device(batch)
        recorded = record(
            pl_module.network, x, self.fields, lambda out: pl_module.loss(out, target, length) * len(index)
        )
        folder = Path(trainer.default_root_dir) / "recorded" / f"epoch{epoch:03d}"
        more = {"length": length, "target": target, "sample": index}
        write_npz(recorded, folder / "recorded.npz", **{name: t.numpy(force=True) for name, t in more.items()})
        facts = data.facts
        known = target.tolist() if facts.targets == "classes" else [None] * len(index)
        named = zip(index.tolist(), known, strict=True)
        titles = [f"{facts.title(i, t)}, {epoch} epochs trained" for i, t in named]
        board = Board.of(trainer)
        pictures.write(recorded, length.tolist(), titles, facts.dt, folder, self.kinds, facts.classes, board, epoch)


class _unseen:
    """Evaluation mode for a while, after which modes and random numbers are as they were."""

    def __init__(self, network: torch.nn.Module):
        self.network = network

    def __enter__(self) -> None:
        self.modes = {module: module.training for module in self.network.modules()}
        self.random = torch.random.fork_rng()
        self.random.__enter__()
        self.network.eval()

    def __exit__(self, *error: Any) -> None:
        for module, training in self.modes.items():
            module.training = training
        self.random.__exit__(*error)
