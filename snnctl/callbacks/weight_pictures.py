"""Weights over epochs: pictures and arrays in the run's folder, and in tensorboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import numpy as np

from snnctl import atomic
from snnctl.errors import UserError
from snnctl.losses.parameters import Patterns, chosen
from snnctl.regimes.watching import named_values
from snnctl.report import weights
from snnctl.report.board import Board
from snnctl.report.pictures import png


class WeightPictures(lightning.Callback):
    """Before the first epoch, every k epochs and after the last, writes into `<run>/weights`:

        epoch003.npz           the parameters as arrays
        histograms_003.png     the distribution of each
        fc.weight_003.png      receptive fields of a convolution or a linear layer, red excites and blue inhibits
        over_epochs.png        how the distributions moved: median, quartiles, 5 to 95 %, extremes

    The number is of the epochs trained. With tensorboard's logger the pictures and the distributions go there too.

    Args:
        every: epochs between two, 1 and above.
        parameters: names, or patterns with *: fc.weight, *.weight, lif.tau_mem (its value in s), * for all.
        fields: whether receptive fields are drawn.

    Raises:
        UserError: every is below 1, or no parameter has such a name.
    """

    def __init__(self, every: int = 1, parameters: Patterns = "*", fields: bool = True):
        if every < 1:
            raise UserError(f"WeightPictures: every = {every}", "range   1 and above, epochs")
        self.every = every
        self.parameters = parameters
        self.fields = fields
        self._epoch = 0

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        chosen(named_values(pl_module.network), self.parameters)  # a name that fits nothing ends the run here
        if trainer.current_epoch == 0 and trainer.global_step == 0:
            self._write(trainer, pl_module.network, 0)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._epoch = trainer.current_epoch + 1
        if self._epoch % self.every == 0:
            self._write(trainer, pl_module.network, self._epoch)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self._epoch % self.every:
            self._write(trainer, pl_module.network, self._epoch)

    def _write(self, trainer: lightning.Trainer, network: Any, epoch: int) -> None:
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir) / "weights"
        values = chosen(named_values(network), self.parameters)
        arrays = {name: p.detach().float().numpy(force=True) for name, p in values.items()}
        atomic.write(folder / f"epoch{epoch:03d}.npz", lambda file: np.savez_compressed(file, **arrays))
        title = f"after {epoch} epochs" if epoch else "before training"
        pictures = {"histograms": weights.histograms(arrays, title)}
        if self.fields:
            shapes = weights.input_shapes(network)
            pictures |= {
                name: weights.receptive_field(name, array, shapes.get(name, ()), title)
                for name, array in arrays.items()
                if array.ndim in (2, 4) and name.endswith("weight")
            }
        board = Board.of(trainer)
        for name, figure in pictures.items():
            picture = png(figure)
            atomic.write(folder / f"{name}_{epoch:03d}.png", lambda file, picture=picture: file.write(picture))
            if board is not None:
                board.picture(f"weights/{name}", picture, epoch)
        if board is not None:
            for name, array in arrays.items():
                board.histogram(f"weights/{name}", array, epoch)
        self._over_epochs(folder, arrays)

    def _over_epochs(self, folder: Path, arrays: dict[str, np.ndarray]) -> None:
        kept = {}
        for path in sorted(folder.glob("epoch*.npz")):
            with np.load(path) as file:
                kept[int(path.stem.removeprefix("epoch"))] = {n: file[n] for n in arrays if n in file.files}
        kept = {epoch: found for epoch, found in kept.items() if len(found) == len(arrays)}
        picture = png(weights.over_time(kept, "weights over epochs"))
        atomic.write(folder / "over_epochs.png", lambda file: file.write(picture))
