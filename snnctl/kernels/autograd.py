"""What the autograd functions of kernels do alike: what flows, what is kept for the way back, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels.plan import Plan

Value = float | Tensor


def keep(ctx: Any, plan: Plan, ends: Iterable[Tensor], saved: Iterable[Tensor | None], values: Sequence[Value]) -> None:
    """At the end of forward: say which results have a gradient, and save what `kept` gives back.

    Args:
        ctx: of the function.
        plan: of its kernels.
        ends: the output and the states after the last step, as they are returned.
        saved: tensors for the backward pass.
        values: the coefficients.
    """
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*(end for end, flows in zip(ends, plan.program.flows, strict=True) if not flows))
    ctx.plan, ctx.floats = plan, [None if isinstance(value, Tensor) else value for value in values]
    ctx.save_for_backward(*saved, *(value for value in values if isinstance(value, Tensor)))


def kept(ctx: Any) -> tuple[list[Tensor | None], list[Value]]:
    """At the start of backward: the tensors saved and the coefficients.

    Raises:
        UserError: the gradient is to be differentiated again, which kernels do not do.
    """
    if torch.is_grad_enabled():
        raise UserError(
            f"the compiled kernel of {ctx.plan.program.neuron} has no second derivative (create_graph=True)",
            'run the neuron with   backend="eager"',
        )
    tensors = list(ctx.saved_tensors)
    first = len(tensors) - sum(value is None for value in ctx.floats)
    later = iter(tensors[first:])
    return tensors[:first], [next(later) if value is None else value for value in ctx.floats]


def comes_again() -> bool:
    """Whether backward may run once more (retain_graph=True), so that what it needs must stay."""
    return torch._C._autograd._get_current_graph_task_keep_graph()
