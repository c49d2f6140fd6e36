"""By the membrane of the output neurons, for a readout that does not spike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.losses.loss import mean, valid
from snnctl.metrics.decoders.decoder import Decoder, checked


@dataclass(frozen=True)
class MaxMembrane(Decoder):
    """The neuron whose membrane rises highest: scores_c = max_t v_c[t] (Cramer et al. 2022)."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), unit of v."""
        out = checked(self, out, length).float()
        return torch.where(valid(out, length), out, -torch.inf).amax(0)


@dataclass(frozen=True)
class MeanMembrane(Decoder):
    """The neuron with the highest mean membrane: scores_c = 1 / T_b sum_t v_c[t]."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), unit of v."""
        return mean(checked(self, out, length), length)


@dataclass(frozen=True)
class LastMembrane(Decoder):
    """The neuron with the highest membrane at the end: scores_c = v_c[T_b - 1]."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), unit of v."""
        out = checked(self, out, length).float()
        last = (length.to(out.device).clamp(min=1, max=out.shape[0]) - 1).view(1, -1, 1)
        return out.gather(0, last.expand(1, *out.shape[1:]))[0]
