"""Which class was taken for which, and what that means for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class ClassRow(NamedTuple):
    """One class; None where nothing was counted that it could be computed from.

    Args:
        name: of the class. samples: how many belong to it.
        precision: right / predicted as it. recall: right / samples. f1: harmonic mean of the two.
        taken_for: the other class that it was most often taken for, or "". times: how often.
    """

    name: str
    samples: int
    precision: float | None
    recall: float | None
    f1: float | None
    taken_for: str
    times: int


class ConfusionMatrix:
    """Counts of (class, predicted class) over batches.

    Args:
        classes: their names.

    Attributes:
        counts: (C, C) int64; row: the true class, column: the predicted one.
    """

    def __init__(self, classes: Sequence[str]):
        self.classes = tuple(classes)
        self.counts = torch.zeros(len(self.classes), len(self.classes), dtype=torch.int64)

    def update(self, scores: Tensor, target: Tensor) -> None:
        """Count a batch.

        Args:
            scores: (B, C), the largest is the prediction; or (B,) predicted classes.
            target: (B,) true classes.
        """
        c = len(self.classes)
        predicted = scores.argmax(1) if scores.dim() == 2 else scores
        pairs = (target * c + predicted).cpu()
        self.counts += torch.bincount(pairs, minlength=c * c).view(c, c)

    def reduce(self) -> ConfusionMatrix:
        """Sum the counts of all processes, where there are several; call it once."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
            counts = self.counts.to(device)
            torch.distributed.all_reduce(counts)
            self.counts = counts.cpu()
        return self

    @property
    def accuracy(self) -> float | None:
        """Right predictions / samples; None before the first sample."""
        n = int(self.counts.sum())
        return int(self.counts.trace()) / n if n else None

    def rows(self) -> list[ClassRow]:
        """One row a class, in order."""
        rows = []
        for i, name in enumerate(self.classes):
            right, samples, predicted = int(self.counts[i, i]), int(self.counts[i].sum()), int(self.counts[:, i].sum())
            wrong = self.counts[i].clone()
            wrong[i] = 0
            times = int(wrong.max()) if len(self.classes) > 1 else 0
            rows.append(
                ClassRow(
                    name=name,
                    samples=samples,
                    precision=right / predicted if predicted else None,
                    recall=right / samples if samples else None,
                    f1=2 * right / (samples + predicted) if samples + predicted else None,
                    taken_for=self.classes[int(wrong.argmax())] if times else "",
                    times=times,
                )
            )
        return rows
