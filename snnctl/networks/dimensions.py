"""Attention over steps, channels and places: what is seen at each says how much it counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.neurons.quantity import one_of
from snnctl.neurons.temporal import Temporal

Axis = Literal["time", "channel", "space"]
AXES: tuple[Axis, ...] = ("time", "channel", "space")


class WholeSequence(NamedTuple):
    """Nothing is kept: a sequence is seen at once."""


class MultiDimensionalAttention(Temporal):
    """Currents weighed by step, channel and place, each weight from a mean and a maximum over all the others,

        y = x sigmoid(W2 relu(W1 mean x) + W2 relu(W1 max x))   time: W1 (T / reduction, T); channel: (C / reduction, C)
        y = x sigmoid(K * [mean x, max x])                      space: K a convolution of the two maps

    one axis after the other, in this order, and y = max(y, 0) at the end if `rectify`. Put it between a convolution and
    its neurons. It sees the whole sequence; steps that are padding in short samples count.

    Args:
        axes: which of time, channel, space; time alone is temporal-wise attention.
        reduction: of the T and of the C numbers in between, 1 to T and to C.
        kernel_size: side of K, pixels, odd.
        rectify: no negative output.
        steps: T, the most steps of a sequence, filled in from the data set; of time only.
        shape: one time step, (N,) or (C, H, W); the network fills it in. Space needs (C, H, W).

    Raises:
        UserError: an option out of range, no number of steps, or a state: a sequence must come in one piece.

    Source: M. Yao et al., "Temporal-wise attention spiking neural networks for event streams classification", ICCV
    2021, arXiv:2107.11711; M. Yao et al., "Attention spiking neural networks", IEEE Transactions on Pattern Analysis
    and Machine Intelligence 45 (2023), doi:10.1109/TPAMI.2023.3241201.
    """

    spiking = False
    causal = False
    why = "weighs all steps at once"
    State = WholeSequence

    def __init__(
        self,
        *,
        axes: Sequence[Axis] = AXES,
        reduction: int = 4,
        kernel_size: int = 3,
        rectify: bool = True,
        steps: int | None = None,
        shape: Sequence[int] | None = None,
    ):
        super().__init__(shape)
        name = type(self).__name__
        chosen = {one_of(name, "axes", axis, Axis) for axis in axes}
        if not chosen:
            raise self.wrong("axes is empty", f"choose from    {', '.join(AXES)}")
        if kernel_size % 2 == 0:
            raise self.wrong(f"kernel_size is {kernel_size}", "range          odd, pixels: 1, 3, 5, ...")
        if "space" in chosen and (shape is None or len(shape) != 3):
            raise self.wrong(f"it gets {shape} at each step", "wanted         maps (C, H, W), or axes without space")
        self.axes, self.rectify, self.steps = tuple(axis for axis in AXES if axis in chosen), rectify, steps
        if "time" in chosen:
            self.over_time = self._squeezed("steps", steps, reduction)
        if "channel" in chosen:
            self.over_channels = self._squeezed("channels", None if shape is None else shape[0], reduction)
        if "space" in chosen:
            self.over_space = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def run(self, x: Tensor, state: WholeSequence | None, dt: float) -> tuple[Tensor, WholeSequence, dict]:
        if state is not None:
            raise self.wrong("it cannot go on from a state", "give           the whole sequence: it weighs all steps")
        if "time" in self.axes and len(x) > self.steps:
            raise self.wrong(f"a sequence of {len(x)} steps", f"range          1 to {self.steps}, as built (steps)")
        y = x
        for axis in self.axes:
            y = y * getattr(self, f"_by_{axis}")(y)
        return y.clamp(min=0) if self.rectify else y, WholeSequence(), {}

    def extra_repr(self) -> str:
        return f"{', '.join(self.axes)}"

    def _squeezed(self, what: str, count: int | None, reduction: int) -> nn.Sequential:
        if type(count) is not int or count < 1:
            raise self.wrong(f"{what} is {count!r}", f"wanted         a whole number of {what}, or axes without them")
        if type(reduction) is not int or not 1 <= reduction <= count:
            raise self.wrong(f"reduction is {reduction!r}", f"range          1 to {count}, the number of {what}")
        between = count // reduction
        return nn.Sequential(nn.Linear(count, between, bias=False), nn.ReLU(), nn.Linear(between, count, bias=False))

    def _by_time(self, x: Tensor) -> Tensor:
        """(T, B, ...) -> (T, B, 1, ...)."""
        first, _, second = self.over_time
        rows = x.flatten(2)
        seen = torch.stack([rows.mean(2), rows.amax(2)])  # (2, T, B)
        between = (first.weight[:, : len(x)] @ seen).relu()
        weight = (second.weight[: len(x)] @ between).sum(0).sigmoid()
        return weight.view(*x.shape[:2], *[1] * (x.dim() - 2))

    def _by_channel(self, x: Tensor) -> Tensor:
        """(T, B, C, ...) -> (B, C, ...) of sides 1."""
        rows = x.flatten(3) if x.dim() > 3 else x[..., None]
        seen = torch.stack([rows.mean((0, 3)), rows.amax((0, 3))])  # (2, B, C)
        weight = self.over_channels(seen).sum(0).sigmoid()
        return weight.view(*x.shape[1:3], *[1] * (x.dim() - 3))

    def _by_space(self, x: Tensor) -> Tensor:
        """(T, B, C, H, W) -> (B, 1, H, W)."""
        return self.over_space(torch.stack([x.mean((0, 2)), x.amax((0, 2))], 1)).sigmoid()
