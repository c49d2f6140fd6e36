"""Squared error to what the output neurons should do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.losses.loss import Loss, mean, total, valid, within


class RateMSE(Loss):
    """Squared distance of each output neuron's rate to a high one for the right class and a low one for the others.

        L_b = mean_c (1 / T_b sum_t out_bc[t] - q_bc)^2,   q = correct_rate where c = target_b, else incorrect_rate

    With membranes as output it is the squared distance of their mean.

    Args:
        correct_rate: wanted of the right class, spikes a step.
        incorrect_rate: wanted of the others, spikes a step.
        class_weights: as in `Loss`.
    """

    def __init__(
        self,
        correct_rate: float = 0.8,
        incorrect_rate: float = 0.05,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.correct_rate = within("correct_rate", correct_rate, "spikes a step", -math.inf)  # of membranes, their mean
        self.incorrect_rate = within("incorrect_rate", incorrect_rate, "spikes a step", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes a step."""
        return mean(out, length)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        rates = self.scores(out, length)
        return (rates - wanted(target, rates, self.correct_rate, self.incorrect_rate)).square().mean(1)


class SpikeCountMSE(Loss):
    """Squared distance of each output neuron's count to a whole number of spikes, divided by the number of steps.

        L_b = 1 / T_b mean_c (scale sum_t out_bc[t] - floor(scale T_b q_bc))^2,   q as in `RateMSE`

    Longer samples weigh more than in `RateMSE`. A population code of P neurons a class: end the network with
    snnctl.networks.Voting and give scale = P.

    Args:
        correct_rate: wanted of the right class, spikes a step.
        incorrect_rate: wanted of the others, spikes a step.
        scale: factor of the counts.
        class_weights: as in `Loss`.

    Source: Shrestha, Orchard 2018, arXiv 1810.08646.
    """

    def __init__(
        self,
        correct_rate: float = 1.0,
        incorrect_rate: float = 0.0,
        scale: float = 1.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.correct_rate = within("correct_rate", correct_rate, "spikes a step")
        self.incorrect_rate = within("incorrect_rate", incorrect_rate, "spikes a step")
        self.scale = within("scale", scale, "no unit", above=True)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes."""
        return total(out, length)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        counts = self.scale * self.scores(out, length)
        steps = length.to(out.device).clamp(min=1, max=out.shape[0])
        spikes = self.scale * steps[:, None] * wanted(target, counts, self.correct_rate, self.incorrect_rate)
        return (counts - (spikes + 1e-4).floor()).square().mean(1) / steps  # 0.29 * 100 is a little below 29


class MembraneMSE(Loss):
    """Squared distance of each output neuron's membrane to what it should be, at every step.

        L_b = 1 / T_b sum_t mean_c (v_bc[t] - q_bc[t])^2,   q = on_target where c = target_b, else off_target

    A target of (T, B, C) numbers is q itself: regression of a trace.

    Args:
        on_target: wanted of the right class, unit of v.
        off_target: wanted of the others, unit of v.
        class_weights: as in `Loss`; of no meaning for a trace.

    Source: Eshraghian et al. 2023, doi 10.1109/JPROC.2023.3308088.
    """

    stepwise = True

    def __init__(self, on_target: float = 1.0, off_target: float = 0.0, class_weights: Sequence[float] | None = None):
        super().__init__(class_weights)
        self.on_target = within("on_target", on_target, "unit of v", -math.inf)
        self.off_target = within("off_target", off_target, "unit of v", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), membrane potential, its mean."""
        return mean(out, length)

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`; target: (B,) class indices, or (T, B, C) membranes wanted.

        Raises:
            UserError: a shape does not fit, or there is no such class.
        """
        if not target.is_floating_point():
            return super().forward(out, target, length)
        self.check_shapes(out, length)
        if target.shape != out.shape:
            raise self.wrong(f"target of shape {tuple(target.shape)}", f"wanted         {tuple(out.shape)}, as out")
        return self._distance(out, target, length).mean()

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        return self._distance(out, wanted(target, out[0].float(), self.on_target, self.off_target), length)

    def _distance(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        apart = torch.where(valid(out, length), out.float() - target, 0.0)
        return mean(apart.square().mean(2), length)


def wanted(target: Tensor, like: Tensor, right: float, others: float) -> Tensor:
    """Class indices (B,) -> like's (B, C): `right` at the class, `others` elsewhere."""
    return others + (right - others) * F.one_hot(target, like.shape[1]).to(like.dtype)
