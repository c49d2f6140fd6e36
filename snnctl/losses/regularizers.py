"""Penalties on what a network does, added to the loss.

A regularizer is called as `r(what, length)`, what being {name: tensor}: by its attribute `reads` the `spikes` of all
spiking layers (as if left out), their `membranes`, (T, B, ...) each, the synaptic `operations` of each layer (T, B), or
the `parameters`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import mean, total, within


@dataclass(frozen=True)
class FiringRate:
    """Keeps firing rates within a range: a quadratic hinge on both sides.

        L = weight sum_layers mean_i relu(low - r_i)^2 + relu(r_i - high)^2

    r_i is the rate of neuron i, the mean over samples of each one's rate over its own valid steps; or, with
    `of: sample`, the mean rate of the whole layer in sample i, which leaves it open which neurons fire. An L2 penalty
    on the rates: low = high = 0.

    Args:
        low, high: spikes a neuron and step.
        weight: factor of the penalty, 0 and above.
        of: neuron or sample.

    Source: lower and upper bounds as in Cramer et al. 2022, doi 10.1109/TNNLS.2020.3044364.

    Raises:
        UserError: not 0 <= low <= high, weight is below 0, or `of` is unknown.
    """

    low: float = 0.01
    high: float = 0.3
    weight: float = 1.0
    of: Literal["neuron", "sample"] = "neuron"

    def __post_init__(self) -> None:
        unit = "spikes a neuron and step"
        within("high", self.high, unit, within("low", self.low, unit, of=_of(self)), of=_of(self))
        weighed(self)
        if self.of not in ("neuron", "sample"):
            raise UserError(f"regularizer FiringRate: of = {self.of!r}", "choose from    neuron, sample")

    def __call__(self, spikes: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B, ...)}, (B,) -> ()."""
        terms = []
        for s in _present(spikes):
            rate = mean(s, length).flatten(1).mean(0 if self.of == "neuron" else 1)
            terms.append(outside(rate, self.low, self.high).square().mean())
        return self.weight * torch.stack(terms).sum()


@dataclass(frozen=True)
class L1Sparsity:
    """Makes spikes cost: L = weight sum_layers (mean rate of the layer, spikes a neuron and valid step).

    Args:
        weight: factor of the penalty, 0 and above.
        total: L = weight sum_layers (number of spikes of all samples) instead: it grows with neurons, steps and batch.

    Raises:
        UserError: weight is below 0.
    """

    weight: float = 0.01
    total: bool = False

    def __post_init__(self) -> None:
        weighed(self)

    def __call__(self, spikes: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B, ...)}, (B,) -> ()."""
        over = (lambda s: total(s, length).sum()) if self.total else (lambda s: mean(s, length).mean())
        sizes = [torch.where(s < 0, -s, s) for s in _present(spikes)]  # the slope at 0 is 1: abs would have none there
        return self.weight * torch.stack([over(size) for size in sizes]).sum()


@dataclass(frozen=True)
class MembraneBounds:
    """Keeps membranes within a range: a quadratic hinge on both sides.

        L = weight sum_layers mean_{b, i} 1 / T_b sum_t relu(low - v)^2 + relu(v - high)^2

    low = high = 0 is an L2 penalty. The layers with a membrane run a second time, step by step, to show it: slow.

    Args:
        low, high: unit of v; None: no bound on that side.
        weight: factor of the penalty, 0 and above.

    Raises:
        UserError: low is above high, neither is given, or weight is below 0.
    """

    low: float | None = -1.0
    high: float | None = None
    weight: float = 1.0
    reads: ClassVar[str] = "membranes"

    def __post_init__(self) -> None:
        bounded(self, "unit of v")
        weighed(self)

    def __call__(self, membranes: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B, ...)}, (B,) -> ()."""
        terms = [mean(outside(v.float(), self.low, self.high).square(), length).mean() for v in _present(membranes)]
        return self.weight * torch.stack(terms).sum()


@dataclass(frozen=True)
class SynapseBudget:
    """Holds the network to a number of synaptic operations.

        L = weight relu(n / budget - 1)^2,   n = mean_b 1 / T_b sum_t operations_b[t]

    An operation is an input of 1 that meets a non-zero weight; an input of another size counts by its size, so that n
    has a gradient. All linear, convolutional and recurrent layers count together.

    Args:
        budget: synaptic operations a sample and step, above 0.
        weight: factor of the penalty, 0 and above.
        both: fewer operations cost too: L = weight (n / budget - 1)^2.

    Source: Sorbaro et al. 2020, doi 10.3389/fnins.2020.00662.

    Raises:
        UserError: the budget is not above 0, or weight is below 0.
    """

    budget: float = 1e5
    weight: float = 1.0
    both: bool = False
    reads: ClassVar[str] = "operations"

    def __post_init__(self) -> None:
        within("budget", self.budget, "operations a sample and step", above=True, of=_of(self))
        weighed(self)

    def __call__(self, operations: dict[str, Tensor], length: Tensor) -> Tensor:
        """{layer: (T, B)}, (B,) -> ()."""
        if not operations:
            raise UserError("a regularizer of synaptic operations needs linear, convolutional or recurrent layers")
        n = torch.stack([mean(count, length).mean() for count in operations.values()]).sum()
        over = n / self.budget - 1
        return self.weight * (over if self.both else over.relu()).square()


def weighed(penalty: Any) -> None:
    """Refuse a penalty's `weight` that is no finite number, 0 and above."""
    within("weight", penalty.weight, "no unit", of=_of(penalty))


def bounded(penalty: Any, unit: str) -> None:
    """Refuse a penalty's `low` and `high` unless one or both are finite numbers, low <= high."""
    low, high = penalty.low, penalty.high
    if low is None and high is None:
        raise UserError(f"{_of(penalty)}: low and high are null", f"range          low <= high, one or both, {unit}")
    lowest = -math.inf if low is None else within("low", low, unit, -math.inf, of=_of(penalty))
    if high is not None:
        within("high", high, unit, lowest, of=_of(penalty))


def _of(penalty: Any) -> str:
    return f"regularizer {type(penalty).__name__}"


def outside(x: Tensor, low: float | Tensor | None, high: float | Tensor | None) -> Tensor:
    """How far x is below `low` or above `high`, 0 and above; None: no bound on that side."""
    below = x.new_zeros(()) if low is None else (low - x).relu()
    return below if high is None else below + (x - high).relu()


def _present(traces: dict[str, Tensor]) -> list[Tensor]:
    if not traces:
        raise UserError(
            "a regularizer of firing rates or membranes needs spiking layers; this network has none",
            "take it out   ~regime.regularizers.<name>   or choose a spiking neuron   neuron=lif",
        )
    return list(traces.values())
