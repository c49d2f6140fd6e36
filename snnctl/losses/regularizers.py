"""Penalties on how much a network fires, added to the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import mean


@dataclass(frozen=True)
class FiringRate:
    """Keeps firing rates within a range: a quadratic hinge on both sides.

        L = weight sum_layers mean_i relu(low - r_i)^2 + relu(r_i - high)^2

    r_i is the rate of neuron i, the mean over samples of each one's rate over its own valid steps; or, with
    `of: sample`, the mean rate of the whole layer in sample i, which leaves it open which neurons fire.

    Args:
        low, high: spikes a neuron and step.
        weight: factor of the penalty.
        of: neuron or sample.

    Source: lower and upper bounds as in Cramer et al. 2022, doi 10.1109/TNNLS.2020.3044364.

    Raises:
        UserError: not 0 <= low <= high, or `of` is unknown.
    """

    low: float = 0.01
    high: float = 0.3
    weight: float = 1.0
    of: Literal["neuron", "sample"] = "neuron"

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise UserError(f"regularizer FiringRate: low {self.low}, high {self.high}", "range   0 <= low <= high")
        if self.of not in ("neuron", "sample"):
            raise UserError(f"regularizer FiringRate: of = {self.of!r}", "choose from    neuron, sample")

    def __call__(self, spikes: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B, ...)}, (B,) -> ()."""
        terms = []
        for s in _present(spikes):
            rate = mean(s, length).flatten(1).mean(0 if self.of == "neuron" else 1)
            terms.append(((self.low - rate).relu() ** 2 + (rate - self.high).relu() ** 2).mean())
        return self.weight * torch.stack(terms).sum()


@dataclass(frozen=True)
class L1Sparsity:
    """Makes spikes cost: L = weight sum_layers (mean rate of the layer, spikes a neuron and valid step).

    Args:
        weight: factor of the penalty.
    """

    weight: float = 0.01

    def __call__(self, spikes: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B, ...)}, (B,) -> ()."""
        return self.weight * torch.stack([mean(s.abs(), length).mean() for s in _present(spikes)]).sum()


def _present(spikes: dict[str, Tensor]) -> list[Tensor]:
    if not spikes:
        raise UserError(
            "a regularizer of firing rates needs spiking layers; this network has none",
            "take it out   ~regime.regularizers.<name>   or choose a spiking neuron   neuron=lif",
        )
    return list(spikes.values())
