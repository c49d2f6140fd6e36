"""Which values of a population a spike reaches, and by which weights: projections taken apart for event-driven code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from snnctl.circuits import Projection, Scale, SumPool2d

Taps = tuple[tuple[tuple[int, int], ...], ...]  # for each place of the source: (place of the target, row of the kernel)
Map = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True)
class Wiring:
    """How one spike of the source at (c, y, x) adds up in the target. For every tap (i, u) of row y and (j, v) of
    column x, with the layers' weights w:

        dense    a[:] += w[row (c, i, j) of the map]                     a row of weights
        conv     a[channels of c's group, i, j] += w[c, u, v, :]         pooling before or behind is in the taps
        same     a[c, y, x] += w                                         one to one

    Args:
        kind: which of these.
        source: shape of the source as a map; a vector is (N, 1, 1).
        target: shape that the taps lead to: the map of a convolution; of "dense" the map that its rows count.
        rows, columns: the taps.
        weights: shape of w in memory: (inputs, outputs), (C, kernel height, kernel width, channels a group), (n,) or
            () for one weight.
        core: index of the layer that has the weights; None: they follow from the others.
        factor: of all weights, that of average pooling and scales.
        whole: the layers have no such form, and are one dense product (`Projection.matrix`).
    """

    kind: Literal["dense", "conv", "same"]
    source: Map
    target: Map
    rows: Taps
    columns: Taps
    weights: tuple[int, ...]
    core: int | None = None
    factor: float = 1.0
    groups: int = 1
    whole: bool = False

    @property
    def moves(self) -> bool:
        """Whether places change between the source and the target of the taps."""
        return self.rows != _still(self.source[1]) or self.columns != _still(self.source[2])

    @property
    def count(self) -> int:
        """Number of weights."""
        return math.prod(self.weights)


def wiring(projection: Projection, source: Sequence[int], target: Sequence[int]) -> Wiring:
    """Take a projection apart; reads shapes only.

    Args:
        source, target: shapes of one step without the batch.
    """
    here = _as_map(source)
    start, rows, columns = here, _still(here[1]), _still(here[2])
    core, kind, weights, factor, groups = None, "same", (), 1.0, 1
    flat = len(source) == 1
    dense = Wiring("dense", (math.prod(source), 1, 1), (math.prod(source), 1, 1), _still(1), _still(1),
                   (math.prod(source), math.prod(target)), whole=True)  # fmt: skip
    for index, layer in enumerate(projection.layers):
        if isinstance(layer, nn.Identity):
            continue
        if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
            flat = True
        elif kind == "dense":
            return dense
        elif isinstance(layer, Scale) and layer.factor.numel() == 1:
            factor *= 1.0 if layer.factor.is_meta else layer.factor.item()
        elif isinstance(layer, Scale) and len(projection.layers) == 1:
            core, weights = index, tuple(source)
        elif isinstance(layer, nn.Linear) and core is None and flat:
            core, kind, weights = index, "dense", (math.prod(here), layer.out_features)
        elif flat or (kind == "same" and weights):
            return dense
        elif isinstance(layer, nn.Conv2d | nn.Conv1d) and core is None and _plain(layer):
            kernel, stride, dilation = (_pair(v) for v in (layer.kernel_size, layer.stride, layer.dilation))
            padding = _padding(layer, kernel, dilation)
            sides = [_side(*each) for each in zip(here[1:], kernel, stride, padding, dilation, strict=True)]
            rows, columns = _through(rows, sides[0][1]), _through(columns, sides[1][1])
            core, kind, groups = index, "conv", layer.groups
            weights = (here[0], *kernel, layer.out_channels // groups)
            here = (layer.out_channels, sides[0][0], sides[1][0])
        elif isinstance(layer, nn.AvgPool2d | SumPool2d) and _even(layer):
            kernel, stride, padding = (_pair(v) for v in (layer.kernel_size, layer.stride, layer.padding))
            sides = [_side(*each, 1) for each in zip(here[1:], kernel, stride, padding, strict=True)]
            rows, columns = (_pooled(taps, side[1]) for taps, side in zip((rows, columns), sides, strict=True))
            if isinstance(layer, nn.AvgPool2d):
                factor /= layer.divisor_override or math.prod(kernel)
            here = (here[0], sides[0][0], sides[1][0])
        else:
            return dense
    if kind == "same" and (rows, columns) != (_still(start[1]), _still(start[2])):
        kind, groups, weights = "conv", here[0], (here[0], 1, 1, 1)
    return Wiring(kind, start, here, rows, columns, weights, core, factor, groups)


def core_weights(projection: Projection, w: Wiring, source: Sequence[int]) -> Tensor:
    """The weights in the layer's own layout, with all factors in them, float32."""
    with torch.no_grad():
        if w.whole:
            return projection.matrix(tuple(source))[0]
        if w.core is None:
            return torch.full(w.weights, w.factor)
        layer = projection.layers[w.core]
        return (layer.factor if isinstance(layer, Scale) else layer.weight).detach().float() * w.factor


def arranged(weights: Tensor, w: Wiring) -> Tensor:
    """Weights of the layer's own layout in the order of `Wiring.weights`: what one spike needs lies together."""
    if w.kind == "dense":
        return weights.T.contiguous()
    if w.kind == "same" or w.core is None:
        return weights.expand(w.weights).contiguous()
    channels, height, width, group = w.weights
    own = weights.reshape(w.groups, group, channels // w.groups, height, width)
    return own.permute(0, 2, 3, 4, 1).reshape(w.weights).contiguous()


def layers_with(weights: Tensor, projection: Projection, w: Wiring) -> nn.Sequential:
    """The projection as layers without a bias or factors, (B, *source) -> (B, *target), with these core weights."""
    if w.whole:
        return nn.Sequential(nn.Flatten(), _linear(weights))
    layers: list[nn.Module] = []
    for index, layer in enumerate(projection.layers):
        if isinstance(layer, nn.Linear):
            layers.append(_linear(weights))
        elif isinstance(layer, nn.Conv2d | nn.Conv1d):
            conv = type(layer)(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
                               layer.dilation, layer.groups, bias=False, device="meta")  # fmt: skip
            conv.weight = nn.Parameter(weights, requires_grad=False)
            layers.append(conv)
        elif isinstance(layer, nn.AvgPool2d | SumPool2d):
            layers.append(SumPool2d(layer.kernel_size, layer.stride, layer.padding))
        elif isinstance(layer, nn.Flatten):
            layers.append(nn.Flatten())
        elif index == w.core:
            layers.append(Scale(weights))
    if w.core is None and w.kind == "same":
        layers.append(Scale(weights))
    elif w.core is None and not (weights == 1).all():
        layers.append(Scale(weights.flatten()[0].clone()))
    return nn.Sequential(*layers)


def _linear(weights: Tensor) -> nn.Linear:
    linear = nn.Linear(*reversed(weights.shape), bias=False, device="meta")
    linear.weight = nn.Parameter(weights, requires_grad=False)
    return linear


def _as_map(shape: Sequence[int]) -> Map:
    """A shape as channels, height and width; more axes than three count as channels and pixels of one row."""
    if len(shape) == 3:
        return tuple(shape)
    if len(shape) == 2:
        return shape[0], 1, shape[1]
    return math.prod(shape), 1, 1


def _still(size: int) -> Taps:
    return tuple(((i, 0),) for i in range(size))


def _through(taps: Taps, kernel: Taps) -> Taps:
    """What follows from places that a kernel then takes."""
    return tuple(tuple(end for place, _ in each for end in kernel[place]) for each in taps)


def _pooled(taps: Taps, windows: Taps) -> Taps:
    """What follows from places that windows then add up; the row of the kernel that led there stays."""
    return tuple(tuple((end, row) for place, row in each for end, _ in windows[place]) for each in taps)


def _side(size: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, Taps]:
    """Places along one side behind a kernel, and for each place before it, (place behind, row of the kernel)."""
    behind = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    taps = []
    for place in range(size):
        ends = [(place + padding - dilation * row, row) for row in range(kernel)]
        taps.append(tuple((at // stride, row) for at, row in ends if at % stride == 0 and 0 <= at // stride < behind))
    return behind, tuple(taps)


def _padding(layer: nn.Conv2d | nn.Conv1d, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    if layer.padding == "same":
        return tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    return (0, 0) if layer.padding == "valid" else _pair(layer.padding, 0)


def _plain(layer: nn.Conv2d | nn.Conv1d) -> bool:
    """Zeros around the map, as many on both sides."""
    lopsided = layer.padding == "same" and any(
        d * (k - 1) % 2 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)
    )
    return layer.padding_mode == "zeros" and not lopsided


def _even(layer: nn.Module) -> bool:
    """Whether every window counts alike."""
    if isinstance(layer, SumPool2d):
        return True
    return not layer.ceil_mode and (layer.count_include_pad or not any(_pair(layer.padding)))


def _pair(value: int | Sequence[int], row: int = 1) -> tuple[int, int]:
    """(height, width); of a one-dimensional layer, whose maps have one row, `row` is the height."""
    if isinstance(value, int):
        return value, value
    return (row, value[0]) if len(value) == 1 else tuple(value)
