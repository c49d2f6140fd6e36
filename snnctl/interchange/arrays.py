"""The numbers of a NIR node: arrays of the layer's shape, checked, and what of them a neuron needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from snnctl.errors import UserError
from snnctl.neurons.quantity import Per


def checked(node: Any, shape: Sequence[int] | None) -> tuple[dict[str, ndarray], tuple[int, ...] | None]:
    """A node's parameters, name -> array of the layer's shape, and that shape (None: single numbers, and not given).

    Args:
        node: a nir.NIRNode; its arrays have one shape, are single numbers, or have length 1 along some axes.
        shape: one time step without the batch; None for that of the largest array.

    Raises:
        UserError: a parameter is no array of numbers, not finite, or of another shape.
    """
    arrays, kind = {}, type(node).__name__
    for field in dataclasses.fields(node):
        if field.name in ("input_type", "output_type", "metadata"):
            continue
        value = getattr(node, field.name)
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise UserError(f"NIR node {kind}: {field.name} is {value!r:.60}", "wanted         an array of numbers")
        if not array.size or not np.isfinite(array).all():
            bad = array[~np.isfinite(array)].flat[0] if array.size else "empty"
            raise UserError(f"NIR node {kind}: {field.name} is {bad}", f"range          finite, {_unit(field.name)}")
        arrays[field.name] = array
    largest = max((array.shape for array in arrays.values()), key=lambda s: (len(s), np.prod(s)))
    wanted = largest if shape is None else tuple(shape)
    for name, array in arrays.items():
        if array.size > 1 and not _fits(array.shape, wanted):
            problem = f"NIR node {kind}: {name} has shape {array.shape}, not {wanted}"
            raise UserError(problem, "wanted         one number, or an array of the layer's shape, as the others have")
    spread = {n: np.broadcast_to(a if a.size > 1 else a.reshape(()), wanted) for n, a in arrays.items()}
    return spread, wanted or None


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(n in (1, many) for n, many in zip(shape, wanted, strict=True))


def _unit(name: str) -> str:
    return "s" if name.startswith("tau") else "unit of v" if name.startswith(("v_", "threshold")) else "no unit"


def fewest(arrays: Iterable[ndarray]) -> Per:
    """How many numbers hold all arrays: one a layer, a channel (along the first axis) or a neuron."""
    arrays = list(arrays)
    if all((array == array.flat[0]).all() for array in arrays):
        return "layer"
    return "channel" if all(_by_channel(array) for array in arrays) and arrays[0].ndim > 1 else "neuron"


def value(kind: str, name: str, array: ndarray, per: Per, one: bool) -> float | Tensor:
    """A parameter as the neuron takes it: a number, or as many as there are channels or neurons.

    Args:
        kind, name: of the node and its parameter, for messages.
        one: a single number where all are equal.

    Raises:
        UserError: several numbers in one channel, and per is channel.
    """
    if one and (array == array.flat[0]).all():
        return float(str(array.flat[0]))  # a float32 of 0.02 as 0.02, not as 0.0199999996
    if per == "channel":
        if not _by_channel(array):
            raise UserError(f"NIR node {kind}: {name} differs within a channel", "set            per: neuron")
        array = array.reshape(len(array), -1)[:, 0]
    return torch.tensor(array.flatten())


def _by_channel(array: ndarray) -> bool:
    rows = array.reshape(len(array), -1)
    return bool((rows == rows[:, :1]).all())
