"""What the network answered for every test sample."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from snnctl import atomic


class Predictions(lightning.Callback):
    """Collects index, target and scores of every test sample.

    After `Trainer.test`: `index` (n,), `target` (n,), `scores` (n, C), sorted by index.
    """

    def __init__(self):
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def on_test_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._batches.append((batch.index.cpu(), batch.target.cpu(), outputs.detach().float().cpu()))

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if not self._batches:
            return
        index, target, scores = (torch.cat(column) for column in zip(*self._batches, strict=True))
        order = index.argsort()
        self.index, self.target, self.scores = index[order], target[order], scores[order]

    @property
    def counted(self) -> int:
        """How many samples were answered."""
        return sum(len(target) for _, target, _ in self._batches)

    def write(self, path: Path, classes: tuple[str, ...]) -> None:
        """One row a sample: its number in the test part, true class, predicted class, and each class's score."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["sample", "target", "prediction", *(f"score {c}" for c in classes)])
        for i, target, scores in zip(self.index.tolist(), self.target.tolist(), self.scores.tolist(), strict=True):
            best = max(range(len(scores)), key=scores.__getitem__)
            writer.writerow([i, classes[target], classes[best], *(f"{s:.6g}" for s in scores)])
        atomic.write_text(path, text.getvalue())
