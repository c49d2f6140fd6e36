"""A layer without a state as its NIR node."""

from __future__ import annotations

import copy
from collections.abc import Callable

import nir
import numpy as np
import torch
from numpy import ndarray
from torch import Tensor, nn

from snnctl.circuits import Projection, Scale, SumPool2d
from snnctl.errors import UserError
from snnctl.interchange.padding import in_numbers
from snnctl.networks.feedback import AllToAll, MapToMap, OneToOne
from snnctl.networks.lateral import LateralInhibition
from snnctl.networks.populations import WithinPopulations
from snnctl.networks.sparse import MeanField, SparseLinear
from snnctl.networks.voting import Voting

Shape = tuple[int, ...]

# What does nothing once a network is trained.
IDLE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def node_for(layer: nn.Module, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    """The NIR node of a layer that knows no time, in evaluation mode.

    Args:
        layer: of torch or snnctl; `plain()`, where it has one, gives the layer of torch that it is.
        title: "layer NAME (CLASS)", for messages.
        before, after: shapes of one step, without the batch.

    Raises:
        UserError: NIR has no node for it, or not with these options.
    """
    layer = layer.plain() if hasattr(layer, "plain") else layer
    write = NODES.get(type(layer))
    if write is None:
        known = ", ".join(sorted(cls.__name__ for cls in NODES))
        raise UserError(f"{title}: NIR has no node for it", f"it can say     {known}, norms, neurons and delays")
    return typed(write(layer, title, before, after), before, after)


def typed(node: nir.NIRNode, before: Shape, after: Shape) -> nir.NIRNode:
    """The node with these shapes: those that nir works out itself are wrong for grouped and oblong convolutions."""
    node.input_type, node.output_type = {"input": np.array(before)}, {"output": np.array(after)}
    return node


def array(value: Tensor) -> ndarray:
    """float32, as NIR files have it; a copy."""
    return value.detach().cpu().to(torch.float32).numpy().copy()


def affine(weight: ndarray, bias: ndarray | None) -> nir.NIRNode:
    """y = W x + b."""
    return nir.Linear(weight) if bias is None else nir.Affine(weight, bias)


def _linear(layer: nn.Linear | AllToAll, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    _flat(title, before)
    weight = layer.synapses() if isinstance(layer, AllToAll) else layer.weight
    return affine(array(weight), None if layer.bias is None else array(layer.bias))


def _sparse(layer: SparseLinear, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    _flat(title, before)
    return affine(array(layer.weight * layer.mask), None if layer.bias is None else array(layer.bias))


def _dense(layer: nn.Module, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    _flat(title, before)
    weight, bias = Projection("input", "output", {title: copy.deepcopy(layer).cpu()}).matrix(before)
    return affine(array(weight), array(bias) if bias.any() else None)


def _one_to_one(layer: OneToOne, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    if layer.bias is None:
        return nir.Scale(array(layer.weight))
    _flat(title, before)
    return nir.Affine(np.diag(array(layer.weight)), array(layer.bias))


def _map_to_map(layer: MapToMap, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    dims = layer.weight.dim() - 2
    if dims not in (1, 2):
        raise UserError(f"{title}: NIR has no convolution of {dims} dimensions", "it can say     Conv1d and Conv2d")
    bias = torch.zeros(before[0]) if layer.bias is None else layer.bias
    pads = [layer.padding] * dims
    return _convolution(array(layer.weight), array(bias), [1] * dims, pads, [1] * dims, 1, before)


def _conv(layer: nn.Conv1d | nn.Conv2d, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    if layer.padding_mode != "zeros":
        raise UserError(f"{title}: NIR cannot express padding_mode {layer.padding_mode}", "it can say     zeros")
    weight, pads = in_numbers(title, array(layer.weight), layer.padding, layer.dilation)
    bias = np.zeros(len(weight), np.float32) if layer.bias is None else array(layer.bias)
    return _convolution(weight, bias, layer.stride, pads, layer.dilation, layer.groups, before)


def _convolution(weight, bias, stride, padding, dilation, groups, before) -> nir.NIRNode:
    if weight.ndim == 3:
        return nir.Conv1d(before[1], weight, int(stride[0]), int(padding[0]), int(dilation[0]), int(groups), bias)
    pairs = [tuple(int(n) for n in pair) for pair in (stride, padding, dilation)]
    return nir.Conv2d(tuple(before[1:]), weight, *pairs, int(groups), bias)


def _pool(layer: nn.AvgPool2d | SumPool2d, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    kernel, stride, padding = (_pair(value) for value in (layer.kernel_size, layer.stride, layer.padding))
    whole = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(before[1:], kernel, stride, padding, strict=True)]
    if tuple(whole) != tuple(after[1:]):
        raise UserError(
            f"{title}: NIR cannot express ceil_mode: windows over the edge", "set            ceil_mode: false"
        )
    if isinstance(layer, SumPool2d):
        return nir.SumPool2d(*(np.array(pair) for pair in (kernel, stride, padding)))
    if layer.divisor_override is not None or (not layer.count_include_pad and any(padding)):
        option = "count_include_pad: false" if layer.divisor_override is None else "divisor_override"
        raise UserError(
            f"{title}: NIR cannot express {option}", "it can say     the mean of each window, zeros included"
        )
    return nir.AvgPool2d(*(np.array(pair) for pair in (kernel, stride, padding)))


def _adaptive(layer: nn.AdaptiveAvgPool2d, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    if any(n % m for n, m in zip(before[1:], after[1:], strict=True)):
        raise UserError(
            f"{title}: windows of {before[1:]} to {after[1:]} are not of one size",
            "choose         an output_size that divides",
        )
    window = np.array([n // m for n, m in zip(before[1:], after[1:], strict=True)])
    return nir.AvgPool2d(window, window, np.zeros(2, int))


def _flatten(layer: nn.Flatten, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    if layer.start_dim == 0:
        raise UserError(f"{title}: it flattens samples into one another", "set            start_dim: 1")
    count = len(before) + 1
    first, last = layer.start_dim % count - 1, layer.end_dim % count - 1  # NIR counts without the batch
    return nir.Flatten({"input": np.array(before)}, first, -1 if last == len(before) - 1 else last)


def _scale(layer: Scale, title: str, before: Shape, after: Shape) -> nir.NIRNode:
    return nir.Scale(array(layer.factor.expand(before)))


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _flat(title: str, before: Shape) -> None:
    if len(before) != 1:
        raise UserError(
            f"{title}: NIR has it for vectors only, and it gets {before}", "put            torch.nn.Flatten before it"
        )


NODES: dict[type, Callable[[nn.Module, str, Shape, Shape], nir.NIRNode]] = {
    nn.Linear: _linear,
    SparseLinear: _sparse,
    MeanField: _dense,
    Voting: _dense,
    LateralInhibition: _dense,
    nn.Conv1d: _conv,
    nn.Conv2d: _conv,
    nn.AvgPool2d: _pool,
    nn.AdaptiveAvgPool2d: _adaptive,
    SumPool2d: _pool,
    nn.Flatten: _flatten,
    Scale: _scale,
    AllToAll: _linear,
    OneToOne: _one_to_one,
    MapToMap: _map_to_map,
    WithinPopulations: _dense,
}
