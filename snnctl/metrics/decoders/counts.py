"""By how often the output neurons fire."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from snnctl.losses.loss import mean, total
from snnctl.metrics.decoders.decoder import Decoder, checked


@dataclass(frozen=True)
class Count(Decoder):
    """The neuron with the most spikes: scores_c = sum_t out_c[t]."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes."""
        return total(checked(self, out, length), length)


@dataclass(frozen=True)
class Rate(Decoder):
    """The neuron with the highest rate: scores_c = 1 / T_b sum_t out_c[t]; comparable between samples of any length."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes a step."""
        return mean(checked(self, out, length), length)
