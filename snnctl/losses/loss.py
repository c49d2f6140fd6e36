"""What every loss is: scores of the classes from a readout over time, and a number to minimise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError, number


class Loss(nn.Module):
    """Reads the output of a network over the valid steps of each sample.

        L = mean_b w[target_b] L_b

    `scores` says which class is predicted: argmax. What a readout gives in padded steps is never looked at: it changes
    neither loss nor scores nor gradients. A subclass defines `scores` and `per_sample`; or `forward` itself, where the
    loss is no mean over samples.

    Args:
        class_weights: w, the factor of each class's samples; None: 1. For classes of unequal size.

    Attributes:
        stepwise: loss and scores of a sample are means over its valid steps, so that both can be summed up piece by
            piece.

    Raises:
        UserError: a weight is below 0.
    """

    stepwise = False

    def __init__(self, class_weights: Sequence[float] | None = None):
        super().__init__()
        if class_weights is not None and not all(0 <= w < math.inf for w in class_weights):
            hint = "range          0 or more, one number a class"
            raise UserError(f"loss.class_weights = {list(class_weights)}", hint)
        self.class_weights = None if class_weights is None else tuple(class_weights)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """One number a class, the largest is the prediction.

        Args:
            out: (T, B, C), the readout: membranes or spikes.
            length: (B,) valid steps of each sample, 1 to T.

        Returns:
            (B, C) float32.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no scores")

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """The loss of each sample: out (T, B, C), target (B,), length (B,), checked, -> (B,)."""
        raise NotImplementedError(f"{type(self).__name__} defines no per_sample")

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            out: (T, B, C).
            target: (B,) class indices, 0 to C - 1.
            length: (B,).

        Returns:
            Mean over the samples, shape ().

        Raises:
            UserError: a shape does not fit, or there is no such class.
        """
        self.check(out, target, length)
        return self.averaged(self.per_sample(out, target, length), target, out.shape[2])

    def averaged(self, losses: Tensor, target: Tensor, classes: int) -> Tensor:
        """Mean over the samples, weighted by class: (B,), (B,), C -> ()."""
        if self.class_weights is None:
            return losses.mean()
        if len(self.class_weights) != classes:
            raise self.wrong(f"{len(self.class_weights)} class_weights, {classes} outputs", "one number a class")
        return (losses * losses.new_tensor(self.class_weights)[target]).mean()

    def check(self, out: Tensor, target: Tensor, length: Tensor, classes: int | None = None) -> None:
        """Raises a UserError unless out is (T, B, C), target (B,) holds classes below C, and length is (B,).

        On a GPU the classes are looked at in the first batch only, so that no later one waits for them.
        """
        self.check_shapes(out, length)
        batch, classes = out.shape[1], out.shape[2] if classes is None else classes
        if target.shape != (batch,) or target.is_floating_point() or target.dtype == torch.bool:
            raise self.wrong(
                f"target of shape {tuple(target.shape)}, {target.dtype}",
                f"wanted         ({batch},) whole numbers: the class of each sample, 0 to {classes - 1}",
            )
        if batch and not (target.is_cuda and self._looked):
            self._looked = True
            low, high = int(target.min()), int(target.max())
            if low < 0 or high >= classes:
                raise self.wrong(
                    f"target is class {low if low < 0 else high}, there are {classes}",
                    f"range          0 to {classes - 1}",
                )

    def check_shapes(self, out: Tensor, length: Tensor) -> None:
        """Raises a UserError unless out is (T, B, C) with a step or more, and length is (B,)."""
        if out.dim() != 3 or not out.shape[0]:
            raise self.wrong(
                f"output of shape {tuple(out.shape)}", "wanted         (T, B, C): time steps, batch, one output a class"
            )
        if length.shape != out.shape[1:2]:
            raise self.wrong(
                f"length of shape {tuple(length.shape)}",
                f"wanted         ({out.shape[1]},): valid steps of each sample, 1 to {out.shape[0]}",
            )

    def wrong(self, problem: str, hint: str) -> UserError:
        """The error to raise for a wrong input: it names this loss."""
        return UserError(f"{type(self).__name__}: {problem}", hint)

    _looked = False  # at the classes of a batch


class CrossEntropy(Loss):
    """Softmax cross-entropy of the scores.

        L_b = -sum_c q_bc log softmax(scores_b)_c,   q = (1 - e) onehot(target) + e / C

    Args:
        label_smoothing: e, 0 to 1 (Szegedy et al. 2016, arXiv 1512.00567).
        class_weights: as in `Loss`.

    Raises:
        UserError: label_smoothing is out of range.
    """

    def __init__(self, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None):
        super().__init__(class_weights)
        self.label_smoothing = within("label_smoothing", label_smoothing, "no unit", 0, 1)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        return self.entropy(self.scores(out, length), target)

    def entropy(self, scores: Tensor, target: Tensor) -> Tensor:
        """(N, C), (N,) -> (N,)."""
        return F.cross_entropy(scores, target, reduction="none", label_smoothing=self.label_smoothing)


def within(
    name: str, value: float, unit: str, low: float = 0.0, high: float = math.inf, above: bool = False, of: str = "loss"
) -> float:
    """The value of an argument, or a UserError that says its name, value, range and unit.

    Args:
        low, high: its range, both ends in it; infinite: none on that side.
        above: low itself is not allowed.
        of: whose argument, for the message.
    """
    return number(f"{of}.{name} =", value, unit, low, high, above)


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """The value of a loss's option, or a UserError naming it."""
    if value not in choices:
        raise UserError(f"loss.{name} = {value!r}", f"choose from    {', '.join(choices)}")
    return value


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
