"""What every decoder is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from snnctl.errors import UserError


class Decoder(ABC):
    """Reads the class from the output neurons over the valid steps of each sample.

    What they did in padded steps is never looked at.
    """

    @abstractmethod
    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """One number a class, the largest is the prediction.

        Args:
            out: (T, B, N), spikes or membranes.
            length: (B,) valid steps of each sample, 1 to T.

        Returns:
            (B, C) float32.

        Raises:
            UserError: a shape does not fit.
        """

    def predict(self, out: Tensor, length: Tensor | None = None) -> Tensor:
        """(T, B, N) -> (B,) class indices, the lowest of those that are equal.

        Args:
            out: as of `scores`.
            length: as of `scores`; None: all steps.
        """
        return first_of_the_largest(self.scores(out, whole(out) if length is None else length))

    def accuracy(self, out: Tensor, target: Tensor, length: Tensor | None = None) -> float:
        """Share of the samples whose class is predicted right, 0 to 1; target (B,)."""
        return (self.predict(out, length) == target).float().mean().item()


class Learned(Decoder):
    """A decoder that must see labels first: `start`, `add` for each batch of training samples, `finish`.

    A regime does so before each evaluation, with the network as it then is; so nothing of it is kept in checkpoints.
    """

    classes = 0  # C; 0 before it is started

    def start(self, classes: int) -> None:
        """Forget what was added, and begin for `classes` classes."""
        raise NotImplementedError(f"{type(self).__name__} defines no start")

    def add(self, out: Tensor, target: Tensor, length: Tensor) -> None:
        """Look at a batch: out (T, B, N), target (B,) classes, length (B,)."""
        raise NotImplementedError(f"{type(self).__name__} defines no add")

    def finish(self) -> None:
        """Conclude from what all processes have added."""
        raise NotImplementedError(f"{type(self).__name__} defines no finish")

    def started(self) -> None:
        """Raises a UserError unless labels were seen."""
        if not self.classes:
            name = type(self).__name__
            raise UserError(
                f"{name}: it has seen no labels", "call   start(classes), add(out, target, length), finish()"
            )

    def predict(self, out: Tensor, length: Tensor | None = None) -> Tensor:
        """As of `Decoder`; -1 where nothing speaks for any class."""
        scores = self.scores(out, whole(out) if length is None else length)
        return torch.where((scores == 0).all(1), -1, first_of_the_largest(scores))


def first_of_the_largest(scores: Tensor) -> Tensor:
    """(B, C) -> (B,) index of the largest, the lowest where several are."""
    return (scores == scores.amax(1, keepdim=True)).to(torch.uint8).argmax(1)


def whole(out: Tensor) -> Tensor:
    """(B,) lengths of samples without padding."""
    return torch.full(out.shape[1:2], out.shape[0], device=out.device)


def checked(owner: object, out: Tensor, length: Tensor) -> Tensor:
    """`out`, which is (T, B, N) with length (B,), or a UserError that names the decoder and the shape."""
    if out.dim() != 3 or not out.shape[0]:
        hint = "expected       (T, B, N): time steps, batch, output neurons"
        raise UserError(f"{type(owner).__name__}: output of shape {tuple(out.shape)}", hint)
    if length.shape != out.shape[1:2]:
        raise UserError(
            f"{type(owner).__name__}: length of shape {tuple(length.shape)}",
            f"expected       ({out.shape[1]},): valid steps of each sample",
        )
    return out
