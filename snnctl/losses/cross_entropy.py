"""Cross-entropy losses, by what they read of the output neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snnctl.losses.loss import CrossEntropy, mean, total, valid, within


class SpikeCountCrossEntropy(CrossEntropy):
    """Cross-entropy of the number of spikes: scores_c = scale sum_t out_c[t]. For spiking output neurons.

    A population code of P neurons a class: end the network with snnctl.networks.Voting and give scale = P.

    Args:
        scale: factor of the counts, 1 / temperature.
        label_smoothing, class_weights: as in `CrossEntropy`.

    Source: Eshraghian et al. 2023, doi 10.1109/JPROC.2023.3308088.
    """

    def __init__(self, scale: float = 1.0, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None):
        super().__init__(label_smoothing, class_weights)
        self.scale = within("scale", scale, "no unit", above=True)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), scale times spikes."""
        return self.scale * total(out, length)


class RateCrossEntropy(CrossEntropy):
    """Cross-entropy of the firing rate: scores_c = scale / T_b sum_t out_c[t]. For spiking output neurons.

    Unlike a count it does not grow with a sample's length T_b. Rates lie in [0, 1], so without `scale` the softmax of C
    classes could not be surer than e / (e + C - 1).

    Args:
        scale: factor of the rates, 1 / temperature.
        label_smoothing, class_weights: as in `CrossEntropy`.
    """

    def __init__(self, scale: float = 10.0, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None):
        super().__init__(label_smoothing, class_weights)
        self.scale = within("scale", scale, "no unit", above=True)

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


class FinalMembraneCrossEntropy(CrossEntropy):
    """Cross-entropy of the mean membrane at the end: scores_c = 1 / W sum_{t = T_b - W .. T_b - 1} v_c[t].

    For answers that are due when the sample ends, whatever the readout gave before. A sample of fewer than W steps is
    read whole.

    Args:
        window: W, steps.
        label_smoothing, class_weights: as in `CrossEntropy`.
    """

    def __init__(self, window: int = 10, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None):
        super().__init__(label_smoothing, class_weights)
        self.window = int(within("window", window, "steps", 1))

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), membrane potential."""
        length = length.to(out.device).clamp(min=1, max=out.shape[0])
        early = ~valid(out, length) | valid(out, length - self.window) & (length > self.window)[:, None]
        read = length.clamp(max=self.window)[:, None]
        return out.float().masked_fill(early, 0.0).sum(0) / read


class PerStepCrossEntropy(CrossEntropy):
    """Cross-entropy at every step, averaged: every moment is asked for the answer. Temporal efficient training.

        L_b    = 1 / T_b sum_t (1 - m) CE(out_b[t], target_b) + m mean_c (out_bc[t] - level)^2
        scores = 1 / T_b sum_t out[t]

    Args:
        level_weight: m, 0 to 1: how much the outputs are held at `level`, which confines outliers.
        level: commonly the threshold of the neurons, in the unit of out.
        label_smoothing, class_weights: as in `CrossEntropy`.

    Source: Deng et al. 2022, arXiv 2202.11946.
    """

    stepwise = True

    def __init__(
        self,
        level_weight: float = 0.0,
        level: float = 1.0,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(label_smoothing, class_weights)
        self.level_weight = within("level_weight", level_weight, "no unit", 0, 1)
        self.level = within("level", level, "unit of out", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C)."""
        return mean(out, length)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        out = torch.where(valid(out, length), out.float(), 0.0)  # what is padded may be no number
        targets = target.expand(out.shape[0], -1)
        losses = self.entropy(out.flatten(0, 1), targets.flatten()).view_as(targets)
        if self.level_weight:
            losses = (1 - self.level_weight) * losses + self.level_weight * (out - self.level).square().mean(2)
        return mean(losses, length)
