"""Eligibility traces: how each neuron's state hangs on each of its own weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snnctl.kernels import buffers, outer
from snnctl.networks.feedback import AllToAll
from snnctl.regimes.online.stages import Run, Stage


class Eligibility:
    """e = dh_j / dW_ji of neurons that hear of no other neuron's state, (B, inputs, neurons) for each field of h:

        e[end] = (dh[end] / dh[start]) e[start] + sum_t (dh[end] / dx[t]) s[t]^T

    The same numbers as step by step, a chunk at a time: one way back through it for each field, and one product.
    """

    def __init__(self):
        self.fields: Tensor | None = None  # (fields, B, inputs, neurons); None: zero
        self._spare: Tensor | None = None  # where the next ones go

    def gradient(self, adjoints: Sequence[Tensor | None]) -> Tensor | None:
        """What dL / dh[start], (B, ...) for each field, means for the weights, (neurons, inputs)."""
        if self.fields is None:
            return None
        heard = [(a, e) for a, e in zip(adjoints, self.fields, strict=True) if a is not None]
        return sum(outer.weighed(a.flatten(1), e) for a, e in heard) if heard else None

    def advance(self, ends: Sequence[Tensor], x: Tensor, starts: Sequence[Tensor], inputs: Tensor) -> None:
        """Over a chunk.

        Args:
            ends: fields after it (B, ...), on the graph of x and starts.
            x: the neurons' input, a leaf (K, B, ...). starts: fields before it, leaves; none of them in the first.
            inputs: s (K, B, inputs), what x is weighted of.
        """
        rows, sparse = x.flatten(2), outer.pays(inputs)
        if self._spare is None:
            self._spare = _room((len(ends), rows.shape[1], inputs.shape[2], rows.shape[2]), rows)
        for e, end in zip(self._spare, ends, strict=True):
            through: Sequence[Tensor | None] = [None] * (1 + len(starts))
            if end.requires_grad:
                through = torch.autograd.grad(end.sum(), [x, *starts], retain_graph=True, allow_unused=True)
            d_x = torch.zeros_like(rows) if through[0] is None else through[0].flatten(2)
            gains = [None if g is None else g.flatten(1) for g in through[1:]]
            outer.advance(e, gains, self.fields, d_x, inputs, sparse)
        self.fields, self._spare = self._spare, self.fields


def _room(shape: tuple[int, ...], like: Tensor) -> Tensor:
    if like.device.type != "cpu":
        return like.new_empty(shape)
    return buffers.empty(math.prod(shape), like.dtype).view(shape)


def inputs(here: Run) -> Tensor:
    """What the weights of a stage multiply (K, B, M): its inputs, 1 for a bias, its outputs a step before."""
    parts: list[Tensor] = []
    for module in here.stage.weighted:
        parts.append(here.into.detach())
        if module.bias is not None:
            parts.append(torch.ones_like(here.into[..., :1]))
    if here.stage.feedback is not None:
        parts.append(here.shifted)
        if here.stage.feedback.bias is not None:
            parts.append(torch.ones_like(here.shifted[..., :1]))
    return torch.cat([part.detach().to(here.drive.dtype) for part in parts], 2)


def to_parameters(stage: Stage, gradient: Tensor) -> dict[nn.Parameter, Tensor]:
    """A gradient (neurons, M), in the order of `inputs`, by parameter."""
    found, at = {}, 0
    for module in [*stage.weighted, *([] if stage.feedback is None else [stage.feedback])]:
        for p in (module.weight, module.bias):
            if p is None:
                continue
            part = gradient[:, at : at + (p.shape[1] if p.dim() == 2 else 1)]
            at += part.shape[1]
            if not getattr(module, "autapses", True) and p.dim() == 2:
                part = part - torch.diag(part.diagonal())
            if p.requires_grad:
                found[p] = part.reshape(p.shape)
    return found


def numbers(stage: Stage, fields: int) -> int:
    """Numbers that the traces of a stage have, a sample: before a chunk and after it."""
    each = sum((p.shape[1] if p.dim() == 2 else 1) for p in _own(stage))
    return 2 * stage.shape[0] * each * fields


def is_local(stage: Stage) -> bool:
    """Whether a stage's traces can be kept weight by weight: one linear layer, its neurons, all-to-all feedback."""
    weighted = stage.weighted
    linear = not weighted or (weighted == stage.before[-1:] and type(weighted[0]) is nn.Linear)
    fixed = not any(p.requires_grad for p in stage.neuron.parameters())
    return linear and fixed and len(stage.shape) == 1 and type(stage.feedback) in (type(None), AllToAll)


def _own(stage: Stage) -> list[nn.Parameter]:
    return [*stage.weights(), *([] if stage.feedback is None else stage.feedback.parameters())]
