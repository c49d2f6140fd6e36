"""What a projection is on a core: one convolution of pooled spikes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.circuits import Projection, Scale, SumPool2d

IDLE = (nn.Identity, nn.modules.dropout._DropoutNd)
POOLS = (nn.AvgPool2d, SumPool2d)
Map = tuple[int, int, int]  # channels, height, width


class Unfit(Exception):
    """A projection is no convolution. Args: problem and hint, as of a Misfit."""

    def __init__(self, problem: str, hint: str):
        super().__init__(problem)
        self.problem, self.hint = problem, hint


@dataclass(frozen=True)
class Convolution:
    """y = w * (sum of s over windows of pool x pool) + b, the convolution at every `stride`-th pixel.

    Args:
        source: (c, height, width) of the spikes that are sent.
        weight: w (f, c, k, k).
        bias: b (f,), or None.
        stride: of the convolution, pixels.
        padding: zeros around the pooled map, pixels.
        pool: side of the source's pooling windows, pixels.
    """

    source: Map
    weight: Tensor
    bias: Tensor | None = None
    stride: int = 1
    padding: int = 0
    pool: int = 1

    @property
    def inputs(self) -> Map:
        """(c, height, width) of the pooled map; what is left of a window at the edge is dropped."""
        return (self.source[0], self.source[1] // self.pool, self.source[2] // self.pool)

    @property
    def kernel(self) -> int:
        return self.weight.shape[-1]

    @property
    def outputs(self) -> Map:
        """(f, height, width) of y."""
        height, width = (
            (side + 2 * self.padding - self.kernel) // self.stride + 1 if side + 2 * self.padding >= self.kernel else 0
            for side in self.inputs[1:]
        )
        return (self.weight.shape[0], height, width)


def folded(projection: Projection, shape: tuple[int, ...], pools: Iterable[int]) -> Convolution:
    """The projection's layers as one convolution, exact in real numbers.

    A linear layer is a convolution as large as the map. Pooling of the source's spikes stays pooling where the chip has
    the window, an average as a sum with weights divided by the window's pixels; else it goes into the kernel, whose
    weights it repeats, as does pooling after the convolution, which widens the kernel and multiplies the stride.

    Args:
        projection: its weights may be on the meta device.
        shape: of its source at one step.
        pools: windows that the chip can pool the source's spikes by.

    Raises:
        Unfit: it is no such convolution; says which layer, and what would be.
    """
    fold = _Fold(shape, tuple(pools))
    for name, layer in projection.named_layers().items():
        fold.take(name, layer)
    return fold.whole()


class _Fold:
    """The layers that were seen so far: pooling by `pool` and scaling by `scale`, and from its weights on, `done`."""

    def __init__(self, shape: tuple[int, ...], pools: tuple[int, ...]):
        if len(shape) not in (1, 3):
            raise Unfit(f"gets {shape} at each step", "the chip has maps (channels, height, width) and vectors")
        self.source: Map = (shape[0], 1, 1) if len(shape) == 1 else shape
        self.map, self.flat, self.pools = self.source, len(shape) == 1, pools
        self.pool, self.merged = 1, 1  # windows that the chip pools, and those that go into the kernel
        self.scale: Tensor | float = 1.0  # of each input channel
        self.done: Convolution | None = None

    def take(self, name: str, layer: nn.Module) -> None:
        if isinstance(layer, IDLE):
            return
        if isinstance(layer, nn.Flatten) and layer.start_dim == 1 and layer.end_dim in (-1, 1 if self.flat else 3):
            self.flat = True
        elif isinstance(layer, Scale):
            self._scale(name, layer.factor)
        elif isinstance(layer, POOLS) and not self.flat:
            self._pool(name, layer)
        elif isinstance(layer, nn.Conv2d) and not self.flat:
            self._weights(name, *_square(name, layer))
        elif isinstance(layer, nn.Linear) and self.flat:
            self._weights(name, self._spread(name, layer.weight), layer.bias)
        else:
            raise Unfit(
                f"{name} is a {type(layer).__name__}",
                "between neurons the chip has Conv2d, Linear, AvgPool2d, SumPool2d, Flatten and Scale",
            )

    def whole(self) -> Convolution:
        if self.done is None:  # pooling and scaling alone: every channel to itself
            device = self.scale.device if isinstance(self.scale, Tensor) else None
            self._weights("", torch.eye(self.map[0], device=device)[:, :, None, None], None)
        conv = self.done
        whole = all(side + 2 * conv.padding == conv.kernel for side in conv.inputs[1:])
        return replace(conv, stride=1) if whole else conv  # over the whole map it takes no step

    def _weights(self, name: str, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> None:
        if self.done is not None:
            raise Unfit(f"{name} has weights, and so has a layer before it", "put neurons between them")
        if isinstance(self.scale, Tensor) or self.scale != 1:
            scale = self.scale if isinstance(self.scale, float) else self.scale[:, None, None].to(weight.device)
            weight = weight * scale
        if self.merged > 1:
            weight = weight.repeat_interleave(self.merged, 2).repeat_interleave(self.merged, 3)
            if padding and any(side // self.pool % self.merged for side in self.source[1:]):
                raise Unfit(
                    f"{name} pads a map that was pooled by {self.merged} and has a rest of pixels",
                    f"padding 0, or a map of a multiple of {self.merged} pixels",
                )
        self.done = Convolution(self.source, weight, bias, stride * self.merged, padding * self.merged, self.pool)

    def _spread(self, name: str, weight: Tensor) -> Tensor:
        """A linear layer's weights (f, n) as a kernel over the whole map."""
        channels, height, width = self.map
        if height != width:
            raise Unfit(f"{name} takes a map of {height}x{width}", "the chip's kernels are square: square maps")
        return weight.reshape(-1, channels, height, width)

    def _scale(self, name: str, factor: Tensor) -> None:
        done = self.done
        channels, *sides = done.outputs if done is not None else self.map
        whole = factor.expand((channels * sides[0] * sides[1],) if self.flat else (channels, *sides))
        rows = whole.reshape(channels, -1)
        if not factor.is_meta and not torch.equal(rows, rows[:, :1].expand_as(rows)):
            raise Unfit(f"{name} scales pixels of a channel differently", "one factor a channel")
        if done is None:
            self.scale = rows[:, 0] * self.scale
        else:
            factors = rows[:, 0].to(done.weight.device)
            bias = None if done.bias is None else done.bias * factors
            self.done = replace(done, weight=done.weight * factors[:, None, None, None], bias=bias)

    def _pool(self, name: str, layer: nn.AvgPool2d | SumPool2d) -> None:
        window = _side(name, "kernel_size", layer.kernel_size)
        step = _side(name, "stride", layer.stride)
        if _side(name, "padding", layer.padding) or getattr(layer, "ceil_mode", False):
            raise Unfit(f"{name} pools past the edge of the map", "padding 0 and ceil_mode false")
        pixels = window**2 if isinstance(layer, SumPool2d) else (layer.divisor_override or window**2)
        average = 1.0 if isinstance(layer, SumPool2d) else 1 / pixels
        if self.done is not None:
            self.done = _widened(self.done, window, step, average)
            return
        if window != step:
            raise Unfit(f"{name} pools windows of {window} every {step} pixels", "a stride as wide as the window")
        self.scale = self.scale * average
        self.map = (self.map[0], self.map[1] // window, self.map[2] // window)
        if self.merged == 1 and self.pool * window in self.pools:
            self.pool *= window
        else:
            self.merged *= window


def _widened(conv: Convolution, window: int, step: int, average: float) -> Convolution:
    """A convolution and the pooling behind it: the kernel as each pixel of a window has it, all added.

    u[a, b] = average * sum over d, e < window of w[a - d stride, b - e stride]
    """
    weight = conv.weight
    maps = weight.flatten(0, 1).unsqueeze(1)
    pixels = torch.zeros(1, 1, *2 * [(window - 1) * conv.stride + 1], device=weight.device, dtype=weight.dtype)
    pixels[..., :: conv.stride, :: conv.stride] = 1
    wide = F.conv2d(maps, pixels, padding=pixels.shape[-1] - 1).squeeze(1).unflatten(0, weight.shape[:2])
    bias = None if conv.bias is None else conv.bias * (window**2 * average)
    return replace(conv, weight=wide * average, bias=bias, stride=conv.stride * step)


def _side(name: str, what: str, value: int | tuple[int, ...] | None) -> int:
    sides = {value} if isinstance(value, int) else set(value or ())
    if len(sides) != 1:
        raise Unfit(f"{name} has {what} {value}", "the chip's are square: the same on both axes")
    return sides.pop()


def _square(name: str, layer: nn.Conv2d) -> tuple[Tensor, Tensor | None, int, int]:
    """Weight (f, c, k, k), bias, stride and padding of a convolution, without groups and dilation."""
    if layer.padding_mode != "zeros":
        raise Unfit(f"{name} pads with {layer.padding_mode}", "padding_mode zeros")
    kernel, stride = _side(name, "kernel_size", layer.kernel_size), _side(name, "stride", layer.stride)
    dilation = _side(name, "dilation", layer.dilation)
    weight, reach = layer.weight, (kernel - 1) * dilation
    if layer.padding == "same" and reach % 2:
        raise Unfit(f"{name} pads an even kernel on one side more", "an odd kernel, or padding as a number")
    padding = {"same": reach // 2, "valid": 0}.get(layer.padding) if isinstance(layer.padding, str) else None
    padding = _side(name, "padding", layer.padding) if padding is None else padding
    if layer.groups > 1:
        f, c = layer.out_channels // layer.groups, layer.in_channels // layer.groups
        whole = torch.zeros(layer.out_channels, layer.in_channels, kernel, kernel, device=weight.device)
        for g in range(layer.groups):
            whole[g * f : (g + 1) * f, g * c : (g + 1) * c] = weight[g * f : (g + 1) * f]
        weight = whole
    if dilation > 1:
        holes = torch.zeros(*weight.shape[:2], reach + 1, reach + 1, device=weight.device)
        holes[..., ::dilation, ::dilation] = weight
        weight = holes
    return weight, layer.bias, stride, padding
