"""Layers that know no time, over time: the steps are folded into the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snnctl.networks.flat_linear import FlatLinear
from snnctl.networks.kernel_linear import KernelLinear
from snnctl.networks.strided import StridedConv2d

Layer = nn.Module | StridedConv2d | FlatLinear | KernelLinear  # (N, ...) -> (N, ...)

# Layers of torch that give the same for the same input, also in training.
PURE = ("linear", "conv", "batchnorm", "normalization", "instancenorm", "flatten", "pooling", "padding", "activation",
        "upsampling", "pixelshuffle", "channelshuffle")  # fmt: skip
RANDOM = (nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d, nn.MultiheadAttention)


def over_time(layer: Layer, x: Tensor, time_major: bool = False) -> Tensor:
    """Apply a layer to every step: y[t, b] = layer(x[t, b]).

    A time-major and a batch-major input (`batch.transpose(0, 1)`) are both folded without a copy. An input that is
    constant in time (stride 0, as direct encoding gives it) goes through a pure layer of torch once.

    Args:
        layer: applied to one step.
        x: (T, B, ...).
        time_major: fold as (T * B, ...) always, without short cuts, so that a hook on the layer knows its rows.

    Returns:
        (T, B, ...); an expanded view, constant in time, where the input was and the layer is pure.
    """
    steps, batch = x.shape[:2]
    if not time_major and steps > 1:
        if x.stride(0) == 0 and is_pure(layer):
            y = layer(_laid_out(layer, x[0]))
            return y.unsqueeze(0).expand(steps, *y.shape)
        if x.stride(0) < x.stride(1) == steps * x.stride(0):
            y = layer(_laid_out(layer, x.transpose(0, 1).flatten(0, 1)))
            return y.unflatten(0, (batch, steps)).transpose(0, 1)
    return layer(_laid_out(layer, x.flatten(0, 1))).unflatten(0, (steps, batch))


def _laid_out(layer: Layer, x: Tensor) -> Tensor:
    # Two-dimensional convolutions run channels-last, and what follows keeps that layout: a third less time a step.
    return x.contiguous(memory_format=torch.channels_last) if isinstance(layer, nn.Conv2d | StridedConv2d) else x


def is_pure(layer: Layer) -> bool:
    """Whether a layer of torch gives the same for the same input; of a user's class that is not known."""
    package, _, module = type(layer).__module__.rpartition(".")
    ours = package in ("snnctl.networks", "snnctl.circuits")
    return ours or (package == "torch.nn.modules" and module in PURE and not isinstance(layer, RANDOM))
