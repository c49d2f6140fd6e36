"""What the network's outputs did at every step of every test sample, beside what they were to do."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import lightning
from torch import Tensor

from snnctl import atomic


class Traces(lightning.Callback):
    """Collects outputs and targets of every test sample whose targets are traces.

    After `Trainer.test`: `samples`, a list of (number, output (T, C), target (T, C)), valid steps only, by number.
    """

    def __init__(self):
        self.samples: list[tuple[int, Tensor, Tensor]] = []

    @property
    def counted(self) -> int:
        """How many samples were answered."""
        return len(self.samples)

    def on_test_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        out, target = outputs.detach().float().cpu(), batch.target.cpu()
        for b, (number, steps) in enumerate(zip(batch.index.tolist(), batch.length.tolist(), strict=True)):
            self.samples.append((number, out[:steps, b], target[:steps, b]))

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.samples.sort(key=lambda sample: sample[0])

    def write(self, path: Path, names: tuple[str, ...]) -> None:
        """One row a sample and step: its number in the test part, the step, each output and each target."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["sample", "step", *(f"output {n}" for n in names), *(f"target {n}" for n in names)])
        for number, out, target in self.samples:
            for step, values in enumerate(zip(out.tolist(), target.tolist(), strict=True)):
                writer.writerow([number, step, *(f"{v:.6g}" for row in values for v in row)])
        atomic.write_text(path, text.getvalue())
