"""Squared error to the times at which the output neurons should fire."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import Loss, within
from snnctl.losses.mse import wanted
from snnctl.losses.spike_times import spike_times

Times = int | Sequence[int]


class SpikeTimeMSE(Loss):
    """Squared distance of each output neuron's first spikes to wanted times, as a share of the sample's length.

        L_b = mean_{k, c} ((t_kbc - q_kbc) / T_b)^2, 0 where |t - q| < tolerance
        q   = on_target where c = target_b, else off_target;    scores = -t_first

    t_k is the time of the k-th spike, T_b - 1 where there are fewer, with the gradient -1 at that step. Later spikes
    cost nothing. A target of (B, C) or (n, B, C) numbers is q itself.

    Args:
        on_target: time wanted of the right class, steps from the start, or from the end if below 0 (-1: the last); n of
            them, in order, for the first n spikes.
        off_target: the same of the others.
        tolerance: distance below which a spike is on time, steps.
        class_weights: as in `Loss`.

    Source: Eshraghian et al. 2023, doi 10.1109/JPROC.2023.3308088, section V.

    Raises:
        UserError: on_target and off_target are not equally many, or not finite; tolerance is below 0.
    """

    def __init__(
        self,
        on_target: Times = 0,
        off_target: Times = -1,
        tolerance: float = 0,
        class_weights: Sequence[float] | None = None,
    ):
        super().__init__(class_weights)
        self.on_target, self.off_target = _times("on_target", on_target), _times("off_target", off_target)
        self.tolerance = within("tolerance", tolerance, "steps")
        if len(_listed(self.on_target)) != len(_listed(self.off_target)) or not _listed(self.on_target):
            raise UserError(
                f"loss.on_target = {on_target}, loss.off_target = {off_target}",
                "one or more times, equally many of both",
            )

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), -t_first in steps."""
        return -spike_times(out, out > 0, length)[0]

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`; target: (B,) class indices, or (B, C) or (n, B, C) times in steps.

        Raises:
            UserError: a shape does not fit, or there is no such class.
        """
        if target.dim() < 2:
            return super().forward(out, target, length)
        self.check_shapes(out, length)
        times = target if target.dim() == 3 else target[None]
        if times.dim() != 3 or times.shape[1:] != out.shape[1:]:
            raise self.wrong(
                f"target of shape {tuple(target.shape)}",
                f"wanted         ({out.shape[1]},) classes, or ([n,] {out.shape[1]}, {out.shape[2]}) times in steps",
            )
        return self._distance(out, times, length).mean()

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        like = out[0].float()
        pairs = zip(_listed(self.on_target), _listed(self.off_target), strict=True)
        return self._distance(out, torch.stack([wanted(target, like, on, off) for on, off in pairs]), length)

    def _distance(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        steps = length.to(out.device).clamp(min=1, max=out.shape[0])[:, None]
        target = torch.where(target < 0, steps + target, target)
        apart = spike_times(out, out > 0, length, len(target)) - target
        apart = torch.where(apart.abs() < self.tolerance, 0.0, apart)
        return (apart / steps).square().mean((0, 2))


def _times(name: str, times: Times) -> Times:
    """One number, or a tuple of them, checked."""
    several = isinstance(times, Sequence) and not isinstance(times, str)
    checked = tuple(within(name, time, "steps", -math.inf) for time in (times if several else [times]))
    return checked if several else checked[0]


def _listed(times: Times) -> Sequence[float]:
    return times if isinstance(times, tuple) else [times]
