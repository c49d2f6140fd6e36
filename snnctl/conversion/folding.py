"""Batch norms, and other gains of a channel, into the layers beside them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snnctl.conversion.analog import CONVS, Analog, Node
from snnctl.errors import UserError


def fold(graph: Analog) -> None:
    """Leave no affine operation: y_c = gain_c x_c + shift_c goes into the linear one before,

        W_c <- gain_c W_c,   b_c <- gain_c b_c + shift_c

    also where pooling without padding lies between; where there is none that nobody else reads, it becomes a linear
    operation of its own, one weight a channel. What does nothing after training (dropout) is taken out.

    Source: B. Jacob et al. 2018, doi:10.1109/CVPR.2018.00286, section 3.2; Rueckauer et al. 2017,
    doi:10.3389/fnins.2017.00682, section 2.4.1.

    Raises:
        UserError: a norm without running statistics.
    """
    for node in [node for node in graph.of("pass") if not isinstance(node.layer, nn.Flatten)]:
        if node.name == graph.last and node.sources == ("input",):
            raise UserError("the network has no layers that compute", "train an ANN   snnctl train RECIPE regime=ann")
        graph.drop(node.name)
    for node in graph.of("affine"):
        gain, shift = of_affine(node)
        before = graph.nodes[node.sources[0]]
        carrier = graph.carrier(before.name) if before.kind != "add" else None
        if carrier is None:
            node.layer, node.kind = diagonal(node.shape, gain, shift), "linear"
            continue
        rescale(carrier.layer, out=gain)
        add_bias(carrier.layer, shift)
        graph.drop(node.name)


def of_affine(node: Node) -> tuple[Tensor, Tensor]:
    """gain and shift, (C,) each."""
    layer = node.layer
    if not isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return layer.gain, torch.zeros_like(layer.gain)
    if layer.running_mean is None:
        raise UserError(
            f"layer {node.name} ({type(layer).__name__}) keeps no running statistics, so each batch has its own norm",
            "train it with   track_running_stats: true",
        )
    gain = (layer.running_var + layer.eps).rsqrt()
    shift = -layer.running_mean * gain
    if layer.affine:
        gain, shift = gain * layer.weight, shift * layer.weight + layer.bias
    return gain.detach(), shift.detach()


def rescale(layer: nn.Module, out: Tensor | None = None, into: Tensor | None = None) -> None:
    """Multiply a linear or convolutional layer's output (weights and bias) and input (weights) by factors, in place.

    Args:
        layer: torch.nn.Linear or Conv.
        out, into: one a channel (C,), or one for all ().
    """
    with torch.no_grad():
        weight = layer.weight
        if out is not None:
            weight.mul_(out.view(-1, *[1] * (weight.dim() - 1)))
            if layer.bias is not None:
                layer.bias.mul_(out)
        if into is not None and into.dim() == 0:
            weight.mul_(into)
        elif into is not None:
            groups = getattr(layer, "groups", 1)
            of_group = into.view(groups, 1, weight.shape[1]).expand(groups, len(weight) // groups, weight.shape[1])
            weight.mul_(of_group.reshape(len(weight), weight.shape[1], *[1] * (weight.dim() - 2)))


def add_bias(layer: nn.Module, shift: Tensor) -> None:
    """Add (C,) or () to a layer's bias, which it gets if it has none."""
    with torch.no_grad():
        if layer.bias is None:
            layer.bias = nn.Parameter(layer.weight.new_zeros(len(layer.weight)))
        layer.bias.add_(shift)


def diagonal(shape: tuple[int, ...], gain: Tensor, shift: Tensor | None = None) -> nn.Module:
    """A plain layer that gives gain_c x_c + shift_c; gain () or (C,).

    A convolution of one pixel in as many groups as channels, or for a vector a diagonal matrix.
    """
    channels = shape[0]
    gain = gain.expand(channels).clone()
    if len(shape) == 1:
        layer: nn.Module = nn.Linear(channels, channels, bias=shift is not None)
        weight = torch.diag(gain)
    else:
        conv = CONVS[len(shape) - 2]
        layer = conv(channels, channels, 1, groups=channels, bias=shift is not None)
        weight = gain.view(-1, *[1] * len(shape))
    with torch.no_grad():
        layer.weight.copy_(weight)
        if shift is not None:
            layer.bias.copy_(shift)
    return layer
