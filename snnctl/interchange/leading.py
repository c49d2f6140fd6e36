"""Axes of batch and time that some frameworks write into the shape of an Input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from snnctl.interchange.from_layer import Shape

RANKS = {"Conv1d": 2, "Conv2d": 3, "AvgPool2d": 3, "SumPool2d": 3}
OF_A_NEURON = ("tau", "tau_mem", "v_threshold", "threshold", "r", "scale")


def one_step(shape: Shape, behind: Iterable[Any]) -> Shape:
    """The axes of an Input's shape that a node behind it takes, where it takes the last ones and not all.

    Norse and Rockpool write (B, ...) or (B, T, ...); NIR means one step of one sample.

    Args:
        shape: of the Input.
        behind: the nodes that it leads to.
    """
    for node in behind:
        taken = _taken(node)
        if taken and len(taken) < len(shape) and _fits(shape[-len(taken) :], taken):
            return shape[-len(taken) :]
    return shape


def _taken(node: Any) -> tuple[int | None, ...]:
    """The shape that a node takes, None for any size; empty where it takes any shape."""
    kind = type(node).__name__
    if kind in RANKS:
        channels = node.weight.shape[1] * int(node.groups) if kind.startswith("Conv") else None
        return (channels, *[None] * (RANKS[kind] - 1))
    if kind in ("Linear", "Affine"):
        return tuple(node.weight.shape[-1:])
    if kind == "Flatten" and node.input_type.get("input") is not None:
        return tuple(int(n) for n in node.input_type["input"])
    shapes = [np.shape(getattr(node, name)) for name in OF_A_NEURON if hasattr(node, name)]
    return max(shapes, key=len, default=())


def _fits(shape: Shape, taken: tuple[int | None, ...]) -> bool:
    return all(wanted in (None, 1, n) for n, wanted in zip(shape, taken, strict=True))
