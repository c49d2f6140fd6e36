"""Batch norms in a NIR graph: folded into the layer before, else a layer of their own."""

from __future__ import annotations

from collections.abc import Sequence

import nir
import numpy as np
from numpy import ndarray
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.interchange.draft import Draft
from snnctl.interchange.from_layer import Shape, typed

WEIGHTED = (nir.Linear, nir.Affine, nir.Conv1d, nir.Conv2d)


def add_norm(
    draft: Draft, name: str, norm: nn.modules.batchnorm._BatchNorm, title: str, wires: Sequence[str], shape: Shape
) -> list[str]:
    """A batch norm in evaluation, y_c = s_c x_c + t_c, s = g / sqrt(var + eps), t = b - s mean.

    Behind a linear layer or a convolution, also with a pooling without padding between, that layer takes s and t:

        W'_c = s_c W_c,    b'_c = s_c b_c + t_c        (t_c / k where windows of k pixels are summed)

    Behind anything else it is a layer with s on its diagonal.

    Returns:
        The wire behind it.

    Raises:
        UserError: it keeps no running statistics.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise UserError(
            f"{title}: it has no running statistics, and its result depends on the batch",
            "set            track_running_stats: true",
        )
    s = 1 / np.sqrt(_double(norm.running_var) + norm.eps)
    s = s if norm.weight is None else s * _double(norm.weight)
    t = (0 if norm.bias is None else _double(norm.bias)) - s * _double(norm.running_mean)
    found = _before(draft, wires)
    if found is not None:
        into, pixels = found
        draft.nodes[into] = _scaled(draft.nodes[into], s, t / pixels)
        return list(wires)
    return draft.add(name, _diagonal(s, t, shape), wires, shape)


def _before(draft: Draft, wires: Sequence[str]) -> tuple[str, int] | None:
    """The layer that can take the norm, and the pixels that are summed in between."""
    if len(wires) != 1 or wires[0] in draft.held:
        return None
    (name,), pixels = wires, 1
    node = draft.nodes[name]
    if isinstance(node, nir.AvgPool2d | nir.SumPool2d):
        into = [source for source, target in draft.edges if target == name]
        if np.any(node.padding) or len(into) != 1 or into[0] in draft.held or draft.readers(into[0]) != [name]:
            return None
        pixels = int(np.prod(node.kernel_size)) if isinstance(node, nir.SumPool2d) else 1
        (name,) = into
        node = draft.nodes[name]
    return (name, pixels) if isinstance(node, WEIGHTED) else None


def _scaled(node: nir.NIRNode, s: ndarray, t: ndarray) -> nir.NIRNode:
    before, after = node.input_type["input"], node.output_type["output"]
    weight = (node.weight * s.reshape(-1, *[1] * (node.weight.ndim - 1))).astype(np.float32)
    bias = (getattr(node, "bias", 0) * s + t).astype(np.float32)
    if isinstance(node, nir.Linear | nir.Affine):
        return typed(nir.Affine(weight, bias), before, after)
    rest = [getattr(node, option) for option in ("stride", "padding", "dilation", "groups")]
    return typed(type(node)(node.input_shape, weight, *rest, bias), before, after)


def _diagonal(s: ndarray, t: ndarray, shape: Shape) -> nir.NIRNode:
    weight, bias = np.diag(s).astype(np.float32), t.astype(np.float32)
    if len(shape) == 1:
        return typed(nir.Affine(weight, bias), shape, shape)
    if len(shape) == 2:
        return typed(nir.Conv1d(shape[1], weight[..., None], 1, 0, 1, 1, bias), shape, shape)
    return typed(nir.Conv2d(tuple(shape[1:]), weight[..., None, None], 1, 0, 1, 1, bias), shape, shape)


def _double(value: Tensor) -> ndarray:
    return value.detach().cpu().double().numpy()
