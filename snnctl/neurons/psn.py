"""Parallel spiking neurons: each step's spike is a learned weighting of the inputs of many steps, without a reset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.neurons.spiking import DEFAULT_SURROGATE
from snnctl.neurons.temporal import Temporal
from snnctl.neurons.threshold import a_surrogate
from snnctl.surrogates import Surrogate

ROWS = 128  # steps that SlidingPSN computes in one product
WHOLE = "give           the whole sequence: each step weighs all others"


class PSNState(NamedTuple):
    """Nothing is kept: a sequence is seen at once."""


class MaskedPSNState(NamedTuple):
    """Between two parts of a sequence."""

    past: Tensor  # inputs so far (t, B, ...)


class SlidingPSNState(NamedTuple):
    """Between two parts of a sequence."""

    past: Tensor  # the last inputs (up to order - 1, B, ...)


class _OverSteps(Temporal):
    """What the members of the family share: a surrogate, T x T weights, and a product over time."""

    why = "mixes time steps: one matrix product for all"

    def __init__(self, surrogate: Surrogate, shape: Sequence[int] | None):
        super().__init__(shape)
        self.surrogate = a_surrogate(type(self).__name__, surrogate)

    def _square(self, steps: int | None, threshold: float) -> None:
        if type(steps) is not int or steps < 1:
            raise self.wrong(
                f"steps is {steps!r}: it has a weight for each pair of steps",
                "set            dataset.duration, so that all samples are of one length, or choose neuron=sliding_psn",
            )
        self.steps = steps
        self.weight = nn.Parameter(torch.empty(steps, steps))
        self.bias = nn.Parameter(torch.full((steps,), -_starting(self, threshold)))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def _checked_length(self, length: int) -> None:
        if length > self.steps:
            raise self.wrong(f"a sequence of {length} steps", f"range          1 to {self.steps}, as built (steps)")

    def _fired(self, weight: Tensor, x: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.addmm(bias.to(x.dtype), weight.to(x.dtype), x.flatten(1)).view(-1, *x.shape[1:])
        return self.surrogate(h), h


class PSN(_OverSteps):
    """Parallel spiking neuron: the decays and resets of a neuron replaced by learned weights between all T steps,

        h = W x + b,   W (T, T), b (T),   b starts at -threshold
        s[t] = 1 if h[t] >= 0

    one matrix product for a whole sequence. A step also sees later ones; `MaskedPSN` and `SlidingPSN` do not.

    Args:
        steps: T, the most steps of a sequence; the network fills it in. A shorter one is as if zeros followed.
        threshold: what b starts at, negated; unit of x.
        surrogate: the gradient of a spike.
        shape: one time step without the batch; the network fills it in.

    Raises:
        UserError: steps is not known, a longer sequence, or a state: a sequence must come in one piece.

    Source: W. Fang et al., "Parallel spiking neurons with high efficiency and ability to learn long-term dependencies",
    NeurIPS 2023, arXiv:2304.12760.
    """

    State = PSNState
    causal = False

    def __init__(
        self,
        *,
        steps: int | None = None,
        threshold: float = 1.0,
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(surrogate, shape)
        self._square(steps, threshold)

    def run(self, x: Tensor, state: PSNState | None, dt: float) -> tuple[Tensor, PSNState, dict[str, Tensor]]:
        if state is not None:
            raise self.wrong(
                "it cannot go on from a state: each step weighs all others", "give           the whole sequence"
            )
        n = len(x)
        self._checked_length(n)
        s, h = self._fired(self.weight[:n, :n], x, self.bias[:n, None])
        return s, PSNState(), {"h": h}

    def extra_repr(self) -> str:
        return f"steps={self.steps}, surrogate={self.surrogate}"


class MaskedPSN(_OverSteps):
    """Parallel spiking neuron that looks back at most `order` steps,

        h = (W * M) x + b,   M = masking M0 + (1 - masking),   M0[t, u] = 1 if 0 <= t - u < order
        s[t] = 1 if h[t] >= 0

    With a masking of 1 it is causal and may run in parts. Below 1 it sees all steps, as `PSN` does: training may begin
    at 0 and raise it to 1 (`neuron.masking.fill_(0.5)`).

    Args:
        order: steps that it sees, its own included, 1 and above.
        masking: share of the mask, 0 to 1, no unit.
        steps, threshold, surrogate, shape: as of `PSN`.

    Raises:
        UserError: a value out of range; as `PSN`.

    Source: as `PSN`.
    """

    State = MaskedPSNState

    def __init__(
        self,
        *,
        order: int = 2,
        masking: float = 1.0,
        steps: int | None = None,
        threshold: float = 1.0,
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(surrogate, shape)
        self._square(steps, threshold)
        self.order = _checked_order(self, order)
        number("MaskedPSN: masking is", masking, "no unit", 0.0, 1.0)
        self.register_buffer("masking", torch.tensor(float(masking)))

    def run(self, x: Tensor, state: MaskedPSNState | None, dt: float) -> tuple[Tensor, MaskedPSNState, dict]:
        if state is not None:
            if float(self.masking) < 1:
                raise self.wrong(
                    "it cannot go on from a state with a masking below 1", "give           the whole sequence"
                )
            x = torch.cat([state.past.to(x.dtype), x])
        n, begun = len(x), 0 if state is None else len(state.past)
        self._checked_length(n)
        row = torch.arange(n, device=x.device)
        back = row[begun:, None] - row
        mask = ((back >= 0) & (back < self.order)).to(self.weight.dtype)
        mask = self.masking * mask + (1 - self.masking)
        s, h = self._fired(self.weight[begun:n, :n] * mask, x, self.bias[begun:n, None])
        return s, MaskedPSNState(x), {"h": h}

    def extra_repr(self) -> str:
        return f"order={self.order}, steps={self.steps}, surrogate={self.surrogate}"


class SlidingPSN(_OverSteps):
    """Parallel spiking neuron with the same weights at every step, for sequences of any length,

        h[t] = sum_{k < order} w[k] x[t - k] + b
        s[t] = 1 if h[t] >= 0

    A leaky membrane that forgets after `order` steps is w[k] = decay^k, which it starts as.

    Args:
        order: steps that it sees, its own included, 1 and above.
        decay: w[k] starts at decay^k, no unit, above 0, at most 1; None draws it at random.
        threshold: what b starts at, negated; unit of x.
        surrogate: the gradient of a spike.
        shape: as of `PSN`.

    Attributes:
        weight: w (order,), newest step first.

    Raises:
        UserError: a value out of range.

    Source: as `PSN`.
    """

    State = SlidingPSNState

    def __init__(
        self,
        *,
        order: int = 2,
        decay: float | None = 0.5,
        threshold: float = 1.0,
        surrogate: Surrogate = DEFAULT_SURROGATE,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(surrogate, shape)
        self.order = _checked_order(self, order)
        if decay is not None:
            number("SlidingPSN: decay is", decay, "no unit, or null to draw weights", 0.0, 1.0, above=True)
        bound = 1 / math.sqrt(self.order)
        powers = torch.empty(self.order).uniform_(-bound, bound) if decay is None else None
        self.weight = nn.Parameter(torch.tensor([decay**k for k in range(order)]) if powers is None else powers)
        self.bias = nn.Parameter(torch.tensor(-_starting(self, threshold)))

    def run(self, x: Tensor, state: SlidingPSNState | None, dt: float) -> tuple[Tensor, SlidingPSNState, dict]:
        before = self.order - 1
        past = x[:0] if state is None else state.past.to(x.dtype)
        seen = torch.cat([x.new_zeros(before - len(past), *x.shape[1:]), past, x])
        rows = min(ROWS, len(x))
        # Row t of a product sees the inputs t to t + order - 1 of its slice.
        back = torch.arange(rows, device=x.device)[:, None] + before - torch.arange(rows + before, device=x.device)
        inside = (back >= 0) & (back < self.order)
        weight = torch.where(inside, self.weight[back.clamp(0, before)], 0.0)
        parts = []
        for start in range(0, len(x), rows):
            n = min(rows, len(x) - start)
            parts.append(self._fired(weight[:n, : n + before], seen[start : start + n + before], self.bias))
        s, h = (torch.cat(part) for part in zip(*parts, strict=True))
        return s, SlidingPSNState(seen[len(seen) - before :]), {"h": h}

    def extra_repr(self) -> str:
        return f"order={self.order}, surrogate={self.surrogate}"


def _starting(neuron: Temporal, threshold: float) -> float:
    return float(number(f"{type(neuron).__name__}: threshold is", threshold, "unit of x"))


def _checked_order(neuron: Temporal, order: int) -> int:
    if type(order) is not int or order < 1:
        raise neuron.wrong(f"order is {order!r}", "range          1 and above, whole steps")
    return order
