"""A sequence piece by piece: its input, and the loss of what was read out of it."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.datasets.batch import Batch, EventList
from snnctl.losses.loss import Loss


def piece(x: Tensor | EventList, start: int, stop: int) -> Tensor | EventList:
    """Steps start to stop - 1 of an input (T, B, ...); nothing but the events' offsets is copied."""
    if isinstance(x, Tensor):
        return x[start:stop]
    a, b = start * x.batch, stop * x.batch
    first, last = int(x.offsets[a]), int(x.offsets[b])
    return EventList(x.codes[first:last], x.offsets[a : b + 1] - first, stop - start, x.batch, x.size)


class Criterion:
    """The gradient of a batch's loss with respect to its readout, one piece after the other.

        dL / dout[t],   L = sum over pieces of mean_b w[target_b] L_b(piece) T_b(piece) / T_b

    That sum is the loss itself where the loss is a mean over steps (`Loss.stepwise`): then nothing of a piece is kept.
    Any other loss, once there are several pieces, needs the whole readout first: `given`.

    Args:
        loss: of the regime.
        batch: targets and lengths; its input is not looked at.
        given: dL / dout (T, B, C) of the whole readout, found before; None: each piece has a loss of its own.

    Attributes:
        total: the loss so far, shape (). scores: (B, C) so far.
    """

    def __init__(self, loss: Loss, batch: Batch, given: Tensor | None = None):
        self.loss, self.batch, self.given = loss, batch, given
        self.total = self.scores = None
        self.start = 0

    def __call__(self, out: Tensor, local: bool = False) -> Tensor:
        """The readout of the next piece (K, B, C) -> dL / dout, the same shape.

        Args:
            local: it is the readout of a hidden layer, for the piece last given: nothing is counted.
        """
        steps = len(out)
        start = self.start - steps if local else self.start
        if self.given is not None:
            self.start += steps
            return self.given[start : start + steps]
        leaf = out.detach().requires_grad_()
        with torch.enable_grad():
            length = self.batch.length.to(out.device).clamp(min=1)
            here = (length - start).clamp(0, steps)
            if start == 0 and bool((length <= steps).all()):  # the whole sequence: any loss
                loss = self.loss(leaf, self.batch.target, length)
            else:
                share = here / length
                if self.loss.class_weights is not None:
                    share = share * leaf.new_tensor(self.loss.class_weights)[self.batch.target]
                loss = (self.loss.per_sample(leaf, self.batch.target, here) * share).mean()
            (signal,) = torch.autograd.grad(loss, leaf)
        if not local:
            self._count(leaf.detach(), loss.detach(), here, length)
        return signal

    def _count(self, out: Tensor, loss: Tensor, here: Tensor, length: Tensor) -> None:
        scores = self.loss.scores(out, here.clamp(min=1))
        if not (self.start == 0 and bool((length <= len(out)).all())):
            scores = scores * (here / length)[:, None]
        self.total = loss if self.total is None else self.total + loss
        self.scores = scores if self.scores is None else self.scores + scores
        self.start += len(out)


def of_whole(loss: Loss, out: Tensor, batch: Batch) -> tuple[Criterion, Tensor]:
    """A criterion of the whole readout (T, B, C), with its loss and scores."""
    leaf = out.detach().requires_grad_()
    with torch.enable_grad():
        total = loss(leaf, batch.target, batch.length)
        (given,) = torch.autograd.grad(total, leaf)
    criterion = Criterion(loss, batch, given)
    criterion.total, criterion.scores = total.detach(), loss.scores(leaf.detach(), batch.length)
    return criterion, given
