"""What a core computes: weights, biases and thresholds as integers of one scale, and a step of all its neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.errors import UserError
from snnctl.targets.speck.convolution import Convolution, Map


class Source(NamedTuple):
    """Whose spikes a core gets."""

    name: str  # population, or "input"
    map: Map  # (c, height, width) of what it sends
    pool: int = 1  # side of the windows that are summed on the way, pixels


@dataclass(frozen=True)
class Layer:
    """A layer on its core.

    Args:
        name: of the population.
        sources: whose spikes it gets, all through the same kernel.
        shape: of the population at one step, as the circuit has it.
        convolution: of the pooled maps, in integers; weight and bias in float64, which holds them exactly.
        threshold: high threshold, above 0.
        low: low threshold, at most 0.
        to_zero: a spike resets v to 0; else it subtracts the threshold.
        scale: integer per unit of v.
    """

    name: str
    sources: tuple[Source, ...]
    shape: tuple[int, ...]
    convolution: Convolution
    threshold: int
    low: int
    to_zero: bool = False
    scale: float = 1.0

    def current(self, sent: Sequence[Tensor]) -> Tensor:
        """What spikes add to the membranes in one step, (B, f, height, width).

        Args:
            sent: of each source, (B, ...).
        """
        conv, pooled = self.convolution, []
        for s, source in zip(sent, self.sources, strict=True):
            maps = s.reshape(len(s), *source.map).to(torch.float64)  # exact below 2^53, and by no transform
            pooled.append(F.avg_pool2d(maps, source.pool, divisor_override=1) if source.pool > 1 else maps)
        arrived = sum(pooled[1:], pooled[0])
        bias = None if conv.bias is None else conv.bias.to(arrived.device)
        return F.conv2d(arrived, conv.weight.to(arrived.device), bias, conv.stride, conv.padding)

    def step(self, v: Tensor, current: Tensor) -> tuple[Tensor, Tensor]:
        """One step: spikes and v, of the membranes v and what arrives, all (B, f, height, width), whole numbers.

        n = floor((v + current) / threshold), 0 and above
        v = max(v + current - n threshold, low)          0 where n > 0 and spikes reset to zero
        """
        v = v + current
        n = torch.floor(v / self.threshold).clamp(min=0)
        v = torch.where(n > 0, 0.0, v) if self.to_zero else v - n * self.threshold
        return n, v.clamp(min=self.low)


def largest_scale(values: Tensor, bits: int) -> float:
    """The largest factor that keeps all values in a signed integer of so many bits; inf where all are 0."""
    low, high = float(values.min()), float(values.max())
    most = torch.tensor([2.0 ** (bits - 1) - 1, -(2.0 ** (bits - 1))])
    # In float32, so that weights round to the integers that the vendor's software gives.
    up, down = (most / torch.tensor([high, low])).tolist()
    return min(up if high > 0 else float("inf"), down if low < 0 else float("inf"))


def discretised(
    name: str,
    sources: tuple[Source, ...],
    shape: tuple[int, ...],
    conv: Convolution,
    threshold: float,
    v_min: float | None,
    to_zero: bool,
    bits: tuple[int, int],
) -> Layer:
    """A layer in integers: weight, bias and thresholds times one scale, rounded to the nearest, ties to even.

    The scale is the largest at which weights and biases fit their bits and both thresholds fit the state's.

    Args:
        name, sources, shape, to_zero: of `Layer`.
        conv: with weights in the unit of v.
        threshold, v_min: unit of v; a v_min of None is the least of the state's bits and does not limit the scale.
        bits: of weights and biases, and of the state.

    Raises:
        UserError: weights that are all 0 or not finite, or a threshold that rounds to 0.

    Source: SynSense, sinabs 3.1.3, documentation of sinabs.backend.dynapcnn.discretize.
    """
    weight = conv.weight.detach().float()
    bias = None if conv.bias is None else conv.bias.detach().float()
    for what, values in (("weights", weight), ("biases", bias)):
        if values is not None and not values.isfinite().all():
            raise UserError(f"{name}: {what} are not finite", "train it again with a lower optimizer.lr")
    if not weight.any():
        raise UserError(f"{name}: all weights are 0", "train it first")
    thresholds = torch.tensor([threshold] if v_min is None else [v_min, threshold])
    scales = [largest_scale(weight, bits[0]), largest_scale(thresholds, bits[1])]
    if bias is not None:
        scales.append(largest_scale(bias, bits[0]))
    scale = min(scales)
    high = int((torch.tensor(threshold) * scale).round())
    if high < 1:
        raise UserError(
            f"{name}: threshold {threshold:g} is {threshold * scale:.2g} where the largest weight or bias is "
            f"{2 ** (bits[0] - 1) - 1}, and rounds to 0",
            "train with callbacks=weight_limits, which bounds its weights",
        )
    low = -(2 ** (bits[1] - 1)) if v_min is None else int((torch.tensor(v_min) * scale).round())
    whole = Convolution(
        conv.inputs,
        (weight * scale).round().double(),
        None if bias is None else (bias * scale).round().double(),
        conv.stride,
        conv.padding,
    )
    return Layer(name, sources, shape, whole, high, low, to_zero, scale)


def rounding(layer: Layer, conv: Convolution, threshold: float) -> tuple[float, float]:
    """Largest error of a layer's rounded weights, share of the largest weight, and of its threshold, share of it."""
    weight = conv.weight.detach().double()
    error = (layer.convolution.weight / layer.scale - weight).abs().max() / weight.abs().max()
    return float(error), abs(layer.threshold / layer.scale - threshold) / threshold
