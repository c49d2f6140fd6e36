"""Cross-entropy losses, by what they read of the output neurons."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import CrossEntropy, mean, total, valid


class SpikeCountCrossEntropy(CrossEntropy):
    """Cross-entropy of the number of spikes: scores_c = sum_t out_c[t]. For spiking output neurons."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes."""
        return total(out, length)


class RateCrossEntropy(CrossEntropy):
    """Cross-entropy of the firing rate: scores_c = scale / T_b sum_t out_c[t]. For spiking output neurons.

    Unlike a count it does not grow with a sample's length T_b. Rates lie in [0, 1], so without `scale` the softmax of C
    classes could not be surer than e / (e + C - 1).

    Args:
        scale: factor of the rates, 1 / temperature.
        label_smoothing: as in `CrossEntropy`.
    """

    def __init__(self, scale: float = 10.0, label_smoothing: float = 0.0):
        super().__init__(label_smoothing)
        if scale <= 0:
            raise UserError(f"loss.scale = {scale}", "range   above 0")
        self.scale = scale

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), scale times spikes a step."""
        return self.scale * mean(out, length)


class MaxMembraneCrossEntropy(CrossEntropy):
    """Cross-entropy of the highest membrane: scores_c = max_t v_c[t]. For a leaky integrator as readout.

    Source: Cramer et al. 2022, doi 10.1109/TNNLS.2020.3044364.
    """

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), membrane potential."""
        out = out.float()
        return torch.where(valid(out, length), out, out.new_full((), -torch.inf)).amax(0)


class MeanMembraneCrossEntropy(CrossEntropy):
    """Cross-entropy of the mean membrane: scores_c = 1 / T_b sum_t v_c[t]. For a leaky integrator as readout."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), membrane potential."""
        return mean(out, length)


class PerStepCrossEntropy(CrossEntropy):
    """Cross-entropy at every step, averaged: every moment is asked for the answer.

        L = mean_b 1 / T_b sum_t CE(out_b[t], target_b),   scores = mean_t out[t]

    Source: temporal efficient training, Deng et al. 2022, arXiv 2202.11946 (without its regulariser).
    """

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C)."""
        return mean(out, length)

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        out = torch.where(valid(out, length), out.float(), 0.0)  # what is padded may be no number
        targets = target.expand(out.shape[0], -1)
        losses = F.cross_entropy(
            out.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=self.label_smoothing
        )
        return mean(losses.view_as(targets), length).mean()
