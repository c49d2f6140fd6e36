"""The weights of a layer as synapses: which neuron before meets which one behind, and where."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv1d_weight, conv2d_weight, conv3d_weight

from snnctl.errors import UserError
from snnctl.networks.local import Local1d, Local2d, Local3d
from snnctl.networks.sparse import SparseLinear
from snnctl.networks.stochastic import StochasticLinear
from snnctl.plasticity.rule import Rule, Term

DENSE = (nn.Linear, StochasticLinear)
CONVOLUTIONS = {nn.Conv1d: conv1d_weight, nn.Conv2d: conv2d_weight, nn.Conv3d: conv3d_weight}
LOCAL = (Local1d, Local2d, Local3d)
PLASTIC = (*DENSE, *CONVOLUTIONS, *LOCAL)


def changed(layer: nn.Module, rule: Rule, terms: tuple[Term, ...], batch: int) -> tuple[Tensor, Tensor]:
    """The weights after a rule's step, and how many it had to put back within their bounds.

        w + sum_k gain_k(w) sum_b pre_kb (x) post_kb, within [low, high]

    Args:
        layer: of PLASTIC.
        terms: of the rule's step; several steps of one w may be stacked in the batch.
        batch: samples, by which a mean is divided.

    Raises:
        UserError: a weight is no number, or out of bounds where the rule stops at that.
    """
    w = layer.weight.detach()
    change = torch.zeros_like(w)
    for term in terms:
        product = pairs(layer, term.pre, term.post)
        change = change + (product if term.gain is None else term.gain(w) * product)
    if isinstance(layer, SparseLinear):
        change = change * layer.mask
    if rule.reduction == "mean":
        change = change / batch
    inside, count = rule.bounded(w + change)
    limited_by(rule, inside, int(count) if rule.outside == "stop" else 0)
    return inside, count


def limited_by(rule: Rule, w: Tensor, count: int) -> None:
    """Stop at weights that a rule must not lead to.

    Args:
        w: after its step. count: how many were out of bounds.

    Raises:
        UserError: as of `changed`.
    """
    if rule.outside == "stop" and count:
        raise rule.wrong(
            f"{count} weights left [{rule.low}, {rule.high}]", "lower the learning rates, or set   outside: clip"
        )
    if not torch.isfinite(w).all():
        raise rule.wrong("a weight is not finite", "lower the learning rates, or give   low and high")


def pairs(layer: nn.Module, pre: Tensor | None, post: Tensor) -> Tensor:
    """sum over samples, and over the places that share a weight, of pre (x) post, in the shape of the weights.

    Args:
        pre: factor at the layer's inputs, (B, *in); None: 1 at every input, also of the padding.
        post: factor at its outputs, (B, *out).

    Raises:
        UserError: the layer has no such weights.
    """
    w = layer.weight
    if isinstance(layer, DENSE):
        post = post.reshape(-1, w.shape[0])
        return post.sum(0)[:, None].expand_as(w) if pre is None else post.t() @ pre.reshape(-1, w.shape[1])
    for kind, product in CONVOLUTIONS.items():
        if isinstance(layer, kind):
            if pre is None:
                return post.transpose(0, 1).flatten(1).sum(1).view(-1, *[1] * (w.dim() - 1)).expand_as(w)
            return _convolved(product, layer, pre, post)
    if isinstance(layer, LOCAL):
        at = post.flatten(2).permute(2, 0, 1)  # (places, B, F)
        if pre is None:
            return at.sum(1)[:, None].expand_as(w)
        for d, (k, s) in enumerate(zip(layer.kernel_size, layer.stride, strict=True)):
            pre = pre.unfold(2 + d, k, s)
        fields = pre.movedim(1, layer.dims + 1).flatten(layer.dims + 1).flatten(1, layer.dims)  # (B, places, C K)
        return fields.permute(1, 2, 0) @ at
    kinds = ", ".join(kind.__name__ for kind in PLASTIC)
    raise UserError(f"plasticity: {type(layer).__name__} has no plastic weights", f"choose from    {kinds}")


def _convolved(product, layer: nn.Module, pre: Tensor, post: Tensor) -> Tensor:
    padding = layer.padding
    if layer.padding_mode != "zeros" or isinstance(padding, str):
        mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
        pre, padding = F.pad(pre, layer._reversed_padding_repeated_twice, mode=mode), 0
    options = {"stride": layer.stride, "padding": padding, "dilation": layer.dilation, "groups": layer.groups}
    return product(pre.contiguous(), layer.weight.shape, post.contiguous(), **options)
