"""Squared error to target rates."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from snnctl.losses.loss import Loss, mean


class RateMSE(Loss):
    """Squared distance of each output neuron's rate to a high one for the right class and a low one for the others.

        L = mean_{b, c} (1 / T_b sum_t out_bc[t] - q_bc)^2,   q = correct_rate where c = target_b, else incorrect_rate

    With membranes as output it is the squared distance of their mean. In counts: the same, divided by T_b^2.

    Args:
        correct_rate: wanted of the right class, spikes a step.
        incorrect_rate: wanted of the others, spikes a step.
    """

    def __init__(self, correct_rate: float = 0.8, incorrect_rate: float = 0.05):
        super().__init__()
        self.correct_rate = correct_rate
        self.incorrect_rate = incorrect_rate

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes a step."""
        return mean(out, length)

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        rates = self.scores(out, length)
        right = F.one_hot(target, rates.shape[1]).to(rates.dtype)
        wanted = self.incorrect_rate + (self.correct_rate - self.incorrect_rate) * right
        return F.mse_loss(rates, wanted)
