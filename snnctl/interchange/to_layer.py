"""A NIR node without a state as a layer of torch, or of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from snnctl.circuits import Scale, SumPool2d
from snnctl.errors import UserError
from snnctl.interchange.draft import check_weights
from snnctl.interchange.flat import THROUGH
from snnctl.interchange.from_layer import Shape
from snnctl.interchange.padding import in_numbers


class Built(NamedTuple):
    """A node as layers, in order, of which only the last has weights, and the shape behind them."""

    layers: tuple[nn.Module, ...]
    shape: Shape
    assumed: str = ""  # how a node that does not fit what it gets was taken, in words


def layers_of(node: Any, name: str, before: Shape) -> Built:
    """The layers of a node.

    Args:
        node: a nir.NIRNode.
        name: of the node, for messages.
        before: shape of what it gets at one step.

    Raises:
        UserError: there is no such layer; weights that are not finite or all 0; a shape that does not fit.
    """
    kind = type(node).__name__
    title = f"NIR node {name} ({kind})"
    if kind in THROUGH:
        return Built((), before)
    read = READERS.get(kind)
    if read is None:
        raise UserError(f"{title} is not supported", f"supported      {', '.join(sorted(READERS))}, neurons and Delay")
    check_weights(title, node)
    try:
        return read(node, title, before)
    except (TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise UserError(f"{title}: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
                        f"it gets        {before} at each step") from None  # fmt: skip


def tensor(value: Any) -> Tensor:
    """A parameter, in the default precision; a copy."""
    return torch.tensor(np.asarray(value), dtype=torch.get_default_dtype())


def unfit(title: str, before: Shape, wanted: Any) -> UserError:
    """The error of a node whose input has another shape."""
    return UserError(
        f"{title}: it gets {before} at each step, and takes {wanted}", "the shapes on an edge must be equal"
    )


def _linear(node: Any, title: str, before: Shape) -> Built:
    weight = tensor(node.weight)
    if weight.dim() != 2:
        raise UserError(f"{title}: weight has {weight.dim()} dimensions", "wanted         2, (out, in)")
    if np.prod(before) != weight.shape[1]:
        raise unfit(title, before, (weight.shape[1],))
    layer = _weighted(nn.Linear(weight.shape[1], len(weight), hasattr(node, "bias"), device="meta"), node, weight)
    if len(before) == 1:
        return Built((layer,), (len(weight),))
    return Built(
        (nn.Flatten(), layer), (len(weight),), f"{title.removeprefix('NIR node ')} gets {before}: flattened before it"
    )


def _conv(node: Any, title: str, before: Shape) -> Built:
    weight = np.asarray(node.weight)
    dims, groups = 1 if type(node).__name__ == "Conv1d" else 2, int(node.groups)
    if weight.ndim != dims + 2:
        raise UserError(
            f"{title}: weight has {weight.ndim} dimensions", f"wanted         {dims + 2}, (out, in, *kernel)"
        )
    channels = weight.shape[1] * groups
    if len(before) != dims + 1 or before[0] != channels:
        raise unfit(title, before, f"({channels}, {'L' if dims == 1 else 'H, W'})")
    stride, dilation = _sides(node.stride, dims), _sides(node.dilation, dims)
    padding = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
    weight, padding = in_numbers(title, weight, padding, dilation)
    bias = np.asarray(node.bias).any()  # NIR has no convolution without one
    make = nn.Conv1d if dims == 1 else nn.Conv2d
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": bool(bias)}
    layer = make(channels, len(weight), weight.shape[2:], **options, device="meta")
    layer = _weighted(layer, node, tensor(weight))
    return Built((layer,), _behind(layer, title, before))


def _pool(node: Any, title: str, before: Shape) -> Built:
    if len(before) != 3:
        raise unfit(title, before, "(C, H, W)")
    make = nn.AvgPool2d if type(node).__name__ == "AvgPool2d" else SumPool2d
    layer = make(*(_sides(value, 2) for value in (node.kernel_size, node.stride, node.padding)))
    return Built((layer,), _behind(layer, title, before))


def _flatten(node: Any, title: str, before: Shape) -> Built:
    first, last = int(node.start_dim), int(node.end_dim)
    wanted = node.input_type.get("input")
    if wanted is not None and tuple(int(n) for n in wanted) != before:
        raise unfit(title, before, tuple(int(n) for n in wanted))
    count = len(before)
    if not -count <= first < max(count, 2) or not -count <= last < count + 1:
        raise UserError(
            f"{title}: start_dim {first}, end_dim {last} of {count} dimensions", "they count without the batch"
        )
    first, last = (n if n < 0 else n + 1 for n in (first, last))
    layer = nn.Flatten(min(first, count), last)  # torch counts the batch
    return Built((layer,), _behind(layer, title, before))


def _scale(node: Any, title: str, before: Shape) -> Built:
    factor = tensor(node.scale)
    if factor.numel() > 1 and torch.broadcast_shapes(factor.shape, before) != before:
        raise unfit(title, before, tuple(factor.shape))
    return Built((Scale(factor if factor.numel() > 1 else factor.reshape(())),), before)


def _weighted(layer: nn.Module, node: Any, weight: Tensor) -> nn.Module:
    layer.weight = nn.Parameter(weight)
    if layer.bias is not None:
        bias = tensor(node.bias)
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"bias has shape {tuple(bias.shape)}, and the weight {tuple(weight.shape)}")
        layer.bias = nn.Parameter(bias)
    return layer


def _behind(layer: nn.Module, title: str, before: Shape) -> Shape:
    with torch.no_grad():
        after = tuple(layer(torch.zeros(1, *before)).shape)[1:]
    if 0 in after:
        raise UserError(f"{title}: nothing is left of {before}", "its kernel is larger than what it gets")
    return after


def _sides(value: Any, count: int) -> tuple[int, ...]:
    return tuple(int(n) for n in np.broadcast_to(np.asarray(value), count))


READERS: dict[str, Callable[[Any, str, Shape], Built]] = {
    "Linear": _linear,
    "Affine": _linear,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "AvgPool2d": _pool,
    "SumPool2d": _pool,
    "Flatten": _flatten,
    "Scale": _scale,
}
