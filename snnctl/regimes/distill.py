"""Distillation: the gradient of the loss, and of how far the scores are from those of a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError, number
from snnctl.losses import Loss
from snnctl.regimes.ann import Frame, framed
from snnctl.regimes.bptt import BPTT


@dataclass
class Teacher:
    """A trained network, and how its answer is read.

    Args:
        network: (T, B, ...) -> ((T, B, C), state), in evaluation mode.
        loss: whose `scores` are its answer.
        frame: how an ANN's frame is made of the steps; None: it sees the steps.
    """

    network: nn.Module
    loss: Loss
    frame: Frame | None = None

    @torch.no_grad()
    def scores(self, batch: Batch) -> Tensor:
        """(B, C)."""
        if self.frame is None:
            return self.loss.scores(self.network(batch.x)[0], batch.length)
        x = framed(batch.x, batch.length, self.frame)[None]
        return self.loss.scores(self.network(x)[0], torch.ones_like(batch.length))


class Distill(BPTT):
    """Backpropagation through time with a teacher:

        L = L_task + weight temperature^2 mean_b KL(softmax(z_b / temperature) || softmax(y_b / temperature))

    z: scores of the teacher for the same, augmented, input; y: of the network. An ANN (regime=ann) as the teacher sees
    its frame, a network in time the steps.

    Args:
        teacher: folder of its run, or a checkpoint; read when training begins, so that eval needs it no more.
        weight: of the distance, 0 and above.
        temperature: above 0; high ones pass on how alike the wrong classes are.
        others: as in `BPTT`.

    Source: G. Hinton, O. Vinyals, J. Dean 2015, arXiv 1503.02531.

    Raises:
        UserError: no teacher, a number out of range; when training begins: the teacher is for other data.
    """

    takes_traces = False  # the teacher's classes

    def __init__(
        self, *args: Any, teacher: str | None = None, weight: float = 1.0, temperature: float = 2.0, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        if not teacher:
            raise UserError(
                "regime.teacher names no run", "train one   snnctl train digits_ann; then regime.teacher=RUN"
            )
        self.teacher = teacher
        self.weight = number("regime.weight =", weight, "no unit", 0.0)
        self.temperature = number("regime.temperature =", temperature, "no unit", 0.0, above=True)
        self.find_teacher: Callable[[str], Teacher] | None = None  # set by whoever knows runs
        self._teacher: list[Teacher] = []  # not a module: its weights are not this run's
        self._out: Tensor | None = None

    def on_fit_start(self) -> None:
        super().on_fit_start()
        teacher = self.find_teacher(self.teacher)
        ours, theirs = self.network.facts, teacher.network.facts
        for name in ("shape", "classes"):
            if tuple(getattr(ours, name)) != tuple(getattr(theirs, name)):
                raise UserError(
                    f"regime.teacher={self.teacher} has {name} {_short(getattr(theirs, name))}, the data set "
                    f"{_short(getattr(ours, name))}",
                    "train it on the same data set, with the same dataset.transform and layout",
                )
        teacher.network.to(self.device).eval().requires_grad_(False)
        self._teacher = [teacher]

    def outputs(self, batch: Batch) -> Tensor:
        self._out = super().outputs(batch)
        return self._out

    def penalty(self, batch: Batch) -> Tensor:
        scores, self._out = self.loss.scores(self._out, batch.length), None
        distance = distilled(scores, self._teacher[0].scores(batch), self.temperature)
        other = super().penalty(batch)
        return self.weight * distance + (0.0 if other is None else other)


def distilled(scores: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """temperature^2 mean_b KL(softmax(taught_b / temperature) || softmax(scores_b / temperature)), (B, C) -> ()."""
    given, wanted = F.log_softmax(scores / temperature, 1), F.log_softmax(taught / temperature, 1)
    return temperature**2 * F.kl_div(given, wanted, reduction="batchmean", log_target=True)


def _short(value: tuple[Any, ...]) -> str:
    shown = ", ".join(map(str, value[:4]))
    return f"({shown}{', ...' if len(value) > 4 else ''})"
