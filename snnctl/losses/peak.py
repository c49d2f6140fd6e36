"""Losses of an answer at one moment, found where the output is highest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snnctl.losses.loss import Loss, mean, valid, within


class Peak(Loss):
    """The right neuron's highest moment should reach a level, the other neurons should be silent throughout.

        L_b = (m_b - target_output)^2 + nontarget_weight mean_{c != y} 1 / T_b sum_t (out_bc[t] - nontarget_output)^2
        m_b = mean of out_by over `window` steps from its peak on, y = target_b;    scores = max_t out[t]

    A window that passes the end of the sample goes on at the peak. When the answer comes is left to the network.

    Args:
        window: steps from the peak on.
        nontarget_weight: factor of the other neurons' part.
        target_output: wanted of the right neuron, unit of out.
        nontarget_output: wanted of the others.
        class_weights: as in `Loss`.

    Source: Weidel, Sheik 2021, arXiv 2111.01456.
    """

    def __init__(
        self,
        window: int = 5,
        nontarget_weight: float = 1.0,
        target_output: float = 1.0,
        nontarget_output: float = 0.0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.window = int(within("window", window, "steps", 1))
        self.nontarget_weight = within("nontarget_weight", nontarget_weight, "no unit")
        self.target_output = within("target_output", target_output, "unit of out", -math.inf)
        self.nontarget_output = within("nontarget_output", nontarget_output, "unit of out", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), the highest output."""
        out = out.float()
        return torch.where(valid(out, length), out, out.new_full((), -torch.inf)).amax(0)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        if out.shape[2] < 2:
            raise self.wrong("output of one neuron", "2 or more are wanted; for a single one: loss=binary_peak")
        right = out.gather(2, target.expand(out.shape[0], -1)[..., None])[..., 0]
        reached = (peak_mean(right, length, self.window) - self.target_output).square()
        silent = torch.where(valid(out, length), out.float() - self.nontarget_output, 0.0).square()
        others = torch.ones_like(silent[0]).scatter(1, target[:, None], 0.0)
        return reached + self.nontarget_weight * mean((silent * others).sum(2), length) / (out.shape[2] - 1)


class BinaryPeak(Loss):
    """As `Peak`, for one output neuron that should answer in samples of class 1 and be silent in those of class 0.

        L = mean_{b of class 1} (m_b - target_output)^2
            + nontarget_weight mean_{b of class 0} 1 / T_b sum_t (out_b[t] - nontarget_output)^2

    A class that a batch has no sample of adds nothing. Of several output neurons the last one is read. Its peak above
    the middle of the two levels means class 1.

    Args: as in `Peak`.
    """

    def __init__(
        self,
        window: int = 5,
        nontarget_weight: float = 1.0,
        target_output: float = 1.0,
        nontarget_output: float = 0.0,
    ):
        super().__init__()
        self.window = int(within("window", window, "steps", 1))
        self.nontarget_weight = within("nontarget_weight", nontarget_weight, "no unit")
        self.target_output = within("target_output", target_output, "unit of out", -math.inf)
        self.nontarget_output = within("nontarget_output", nontarget_output, "unit of out", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, 1 or more), (B,) -> (B, 2): middle of the two levels, mean from the peak on."""
        reached = peak_mean(out[..., -1], length, self.window)
        middle = (self.target_output + self.nontarget_output) / 2
        return torch.stack([torch.full_like(reached, middle), reached], 1)

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`; target: (B,), 0 or 1."""
        self.check(out, target, length, classes=2)
        reached = (peak_mean(out[..., -1], length, self.window) - self.target_output).square()
        apart = torch.where(valid(out, length)[..., 0], out[..., -1].float() - self.nontarget_output, 0.0)
        positive = target == 1
        return _mean_of(reached, positive) + self.nontarget_weight * _mean_of(mean(apart.square(), length), ~positive)


def peak_mean(x: Tensor, length: Tensor, window: int) -> Tensor:
    """Mean over `window` steps from the highest one on, starting over there at the sample's end: (T, B) -> (B,)."""
    x = torch.where(valid(x, length), x.float(), -torch.inf)
    peak = x.argmax(0)
    left = length.to(x.device).clamp(min=1, max=x.shape[0]) - peak
    steps = torch.arange(window, device=x.device)[:, None]
    return x.gather(0, peak + steps % left).mean(0)


def _mean_of(values: Tensor, those: Tensor) -> Tensor:
    return torch.where(those, values, 0.0).sum() / those.sum().clamp(min=1)
