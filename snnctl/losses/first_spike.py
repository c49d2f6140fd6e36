"""Cross-entropy of spike times: the class whose neuron fires first."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import CrossEntropy, valid


class FirstSpike(CrossEntropy):
    """Cross-entropy of the negative time of the first spike.

        h[t]    = min(out[t], 1)                                   spiking output neurons
                  1 / (1 + exp(-(out[t] - threshold) / width))     membranes, where threshold is given
        t_first = sum_{t < T_b} prod_{u <= t} (1 - h[u])           steps
        scores  = -t_first / tau

    h is the chance to fire at t, if not before; the product is the chance of no spike up to t, and the sum of these
    is the expected time of the first spike. For spikes of 0 and 1 it is that time exactly, T_b where there is none,
    and the gradient that the surrogate passes on is

        d t_first / d h[t] = -(steps that a spike at t would make the first one earlier)     t before the first spike f
                             -(next spike after f, or T_b, less f)                            t = f
                             0                                                               t after f

    so silent neurons have one too.

    Args:
        tau: steps of difference that count as one unit of score.
        threshold: reads `out` as a membrane with this threshold; None reads it as spikes.
        width: of the sigmoid around the threshold, in the unit of the membrane.
        label_smoothing: as in `CrossEntropy`.

    Sources: softmax over negative spike times: Mostafa 2018, doi 10.1109/TNNLS.2017.2726060, and Goeltz et al. 2021,
    doi 10.1038/s42256-021-00388-x. The expected first time is the discrete hazard model of survival analysis.

    Raises:
        UserError: tau or width is not above 0.
    """

    def __init__(
        self, tau: float = 1.0, threshold: float | None = None, width: float = 0.1, label_smoothing: float = 0.0
    ):
        super().__init__(label_smoothing)
        for name, value in (("tau", tau), ("width", width)):
            if value <= 0:
                raise UserError(f"loss.{name} = {value}", "range   above 0")
        self.tau = tau
        self.threshold = threshold
        self.width = width

    def first_times(self, out: Tensor, length: Tensor) -> Tensor:
        """Expected time of the first spike: (T, B, C), (B,) -> (B, C), steps, the sample's length where none is."""
        data = valid(out, length)
        out = torch.where(data, out.float(), 0.0)
        chance = out.clamp(0, 1) if self.threshold is None else torch.sigmoid((out - self.threshold) / self.width)
        silent = torch.cumprod(1 - chance, 0)
        return torch.where(data, silent, 0.0).sum(0)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), -t_first / tau."""
        return -self.first_times(out, length) / self.tau
