"""What every loss is: scores of the classes from a readout over time, and a number to minimise."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError


class Loss(nn.Module):
    """Reads the output of a network over the valid steps of each sample.

    `scores` says which class is predicted: argmax. What a readout gives in padded steps is never looked at: it changes
    neither loss nor scores nor gradients.
    """

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """One number a class, the largest is the prediction.

        Args:
            out: (T, B, C), the readout: membranes or spikes.
            length: (B,) valid steps of each sample, 1 to T.

        Returns:
            (B, C) float32.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no scores")

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            out: (T, B, C).
            target: (B,) class indices.
            length: (B,).

        Returns:
            Mean over the samples, shape ().
        """
        raise NotImplementedError(f"{type(self).__name__} defines no forward")


class CrossEntropy(Loss):
    """Softmax cross-entropy of the scores.

        L = mean_b -sum_c q_bc log softmax(scores_b)_c,   q = (1 - e) onehot(target) + e / C

    Args:
        label_smoothing: e, 0 to 1 (Szegedy et al. 2016, arXiv 1512.00567).

    Raises:
        UserError: label_smoothing is out of range.
    """

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise UserError(f"loss.label_smoothing = {label_smoothing}", "range   0 to 1")
        self.label_smoothing = label_smoothing

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        return F.cross_entropy(self.scores(out, length), target, label_smoothing=self.label_smoothing)


def valid(x: Tensor, length: Tensor) -> Tensor:
    """Which steps are data: (T, B, 1, ...) bool, of x's number of dimensions.

    Args:
        x: (T, B, ...).
        length: (B,); a length below 1 counts as 1.
    """
    steps = torch.arange(x.shape[0], device=x.device)[:, None]
    mask = steps < length.to(x.device).clamp(min=1)
    return mask.view(*mask.shape, *[1] * (x.dim() - 2))


def total(x: Tensor, length: Tensor) -> Tensor:
    """Sum over the valid steps: (T, B, ...) -> (B, ...), float32."""
    x = x.float()
    return torch.where(valid(x, length), x, x.new_zeros(())).sum(0)


def mean(x: Tensor, length: Tensor) -> Tensor:
    """Mean over the valid steps: (T, B, ...) -> (B, ...), float32."""
    steps = length.to(x.device).clamp(min=1, max=x.shape[0]).float()
    return total(x, length) / steps.view(-1, *[1] * (x.dim() - 2))
