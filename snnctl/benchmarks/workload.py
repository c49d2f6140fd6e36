"""Inputs, gradients and training steps of a case, the same for everyone who is timed on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.benchmarks.cases import Case
from snnctl.datasets.batch import EventList


class Passes(NamedTuple):
    """What is timed.

    Args:
        forward: () -> anything.
        backward: takes what forward gave; in a training step the optimizer's step belongs to it.
        module: what is run, where the caller wants to look at it.
    """

    forward: Callable[[], Any]
    backward: Callable[[Any], None]
    module: nn.Module | None = None


def passes(
    case: Case,
    call: Callable[[Any], Tensor],
    parameters: Iterable[nn.Parameter] = (),
    *,
    batch_first: bool = False,
    x: Tensor | EventList | None = None,
) -> Passes:
    """The forward and backward pass of an implementation.

    Args:
        case: the workload.
        call: x -> spikes in x's layout, or in a training step x -> scores (B, classes).
        parameters: those that get a gradient.
        batch_first: whether x is (B, T, ...), not (T, B, ...).
        x: instead of `inputs(case)`, where the implementation takes another form of the same.
    """
    x = inputs(case, batch_first) if x is None else x
    learned = [p for p in parameters if p.requires_grad]
    if case.task == "training":
        return _training(case, call, learned, x)
    dense = isinstance(x, Tensor)
    if case.task == "layer" and dense:
        x.requires_grad_()
    draw = torch.Generator().manual_seed(1)
    gradient = torch.randn(x.shape, generator=draw) if case.task == "layer" else None

    def forward() -> Tensor:
        for p in learned:
            p.grad = None
        if dense:
            x.grad = None
        return call(x)

    def backward(out: Tensor) -> None:
        if gradient is None:
            out.sum().backward()
        else:
            out.backward(gradient)

    return Passes(forward, backward)


def stepped(cell: Callable[..., Any], start: Callable[[], tuple]) -> Callable[[Tensor], Tensor]:
    """A peer's cell over time, in a Python loop: x (T, B, ...) -> outs (T, B, ...).

    Args:
        cell: (x_t, *state) -> (out, *state). start: () -> the state before the first step.
    """

    def call(x: Tensor) -> Tensor:
        state, outs = start(), []
        for x_t in x:
            out, *state = cell(x_t, *state)
            outs.append(out)
        return torch.stack(outs)

    return call


def _training(case: Case, call: Callable[[Any], Tensor], learned: list[nn.Parameter], x: Any) -> Passes:
    optimizer = torch.optim.Adam(learned, lr=1e-3)
    target = torch.randint(0, case.classes, (case.batch,), generator=torch.Generator().manual_seed(2))

    def forward() -> Tensor:
        optimizer.zero_grad()
        return F.cross_entropy(call(x), target)

    def backward(loss: Tensor) -> None:
        loss.backward()
        optimizer.step()

    return Passes(forward, backward)


def inputs(case: Case, batch_first: bool = False) -> Tensor:
    """The input (T, B, *shape), or the same values as (B, T, *shape): events of 0 and 1, or Gaussian currents."""
    draw = torch.Generator().manual_seed(0)
    size = (case.steps, case.batch, *case.shape)
    if case.density:
        x = (torch.rand(size, generator=draw) < case.density).float()
    else:
        x = torch.randn(size, generator=draw).mul_(case.scale)
    return x.transpose(0, 1).contiguous() if batch_first else x


def event_list(x: Tensor) -> EventList:
    """Events (T, B, *shape) of 0 and 1 as the list that a data loader gives."""
    steps, batch, *size = x.shape
    rows = x.flatten(0, 1).flatten(1)
    cell, code = rows.nonzero(as_tuple=True)
    offsets = torch.zeros(len(rows) + 1, dtype=torch.int64)
    offsets[1:] = torch.bincount(cell, minlength=len(rows)).cumsum(0)
    return EventList(code.int(), offsets, steps, batch, tuple(size))
