"""A neuron over a whole sequence in one call: the kernel forward, the kernel back, under torch's autograd."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import launch
from snnctl.kernels.layout import Layout, layout_of
from snnctl.kernels.plan import Plan, Storage, plan_for
from snnctl.kernels.pooling import Pooling
from snnctl.kernels.program import Program


def scan(
    program: Program,
    x: Tensor,
    state: NamedTuple,
    coefs: NamedTuple,
    *,
    overwrite: bool = False,
    storage: Storage = "float32",
    pool: Pooling | None = None,
) -> tuple[Tensor, NamedTuple]:
    """Run a program over a sequence on the CPU, one fused pass.

    Args:
        program: of the neuron.
        x: (T, B, ...) float32, any strides.
        state: before the first step, fields (B, ...) float32.
        coefs: floats, and tensors that broadcast against (B, ...).
        overwrite: x is nobody else's: its memory may take what the backward pass needs, or the output.
        storage: how numbers kept for the backward pass are stored; halves cost accuracy of the gradient alone.
        pool: give the output summed or averaged over windows of its maps, which is never written in full; x is
            (T, B, C, H, W) and is brought into channels-last order.

    Returns:
        out (T, B, ...) in x's order of memory, and the state after the last step.
    """
    states = [getattr(state, name) for name in program.states]
    values = [getattr(coefs, name) for name in program.coefs]
    if pool is not None and not pool.fits(x):
        out, state = scan(program, x, state, coefs, overwrite=overwrite, storage=storage)
        return pool(out), state
    layout = layout_of(x)
    if pool is not None and layout.order != (1, 2, 0):
        given = x
        x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, x.shape[:2])
        overwrite = overwrite or x.data_ptr() != given.data_ptr()
        layout = replace(layout_of(x), order=(1, 2, 0))
    overwrite = overwrite and layout.strides_of(x) == layout.strides
    plan = plan_for(program, x, states, values, overwrite=overwrite, storage=storage, pool=pool.size if pool else 0)
    if plan.training:
        out, *after = _Scan.apply(plan, layout, pool, x, *states, *values)
    else:
        out, after, _ = _forward(plan, layout, pool, x.detach(), states, values)
    return out, state._replace(**dict(zip(program.states, after, strict=True)))


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, plan: Plan, layout: Layout, pool: Pooling | None, x: Tensor, *rest):
        n = len(plan.program.states)
        out, after, kept = _forward(plan, layout, pool, x, rest[:n], rest[n:])
        ctx.set_materialize_grads(False)
        ends = zip((out, *after), plan.program.flows, strict=True)
        ctx.mark_non_differentiable(*(end for end, flows in ends if not flows))
        ctx.plan, ctx.layout, ctx.pool = plan, layout, pool
        ctx.floats = {
            name: v for name, v in zip(plan.program.coefs, rest[n:], strict=True) if not isinstance(v, Tensor)
        }
        x_kept = x if "x" in plan.saved or plan.over_x else None
        ctx.save_for_backward(x_kept, *kept, *(v for v in rest[n:] if isinstance(v, Tensor)))
        return (out, *after)

    @staticmethod
    def backward(ctx, d_out, *d_after):
        plan, layout = ctx.plan, ctx.layout
        if torch.is_grad_enabled():
            raise UserError(
                f"the compiled kernel of {plan.program.neuron} has no second derivative (create_graph=True)",
                'run the neuron with   backend="eager"',
            )
        names = plan.own
        x, *saved = ctx.saved_tensors
        kept, tensors = saved[: len(names)], iter(saved[len(names) :])
        values = [ctx.floats[name] if name in ctx.floats else next(tensors) for name in plan.program.coefs]
        kept = dict(zip(names, kept, strict=True))
        d_x, d_states, d_coefs = _backward(plan, layout, ctx.pool, x, kept, d_out, d_after, values)
        return None, None, None, d_x, *d_states, *d_coefs


def _forward(plan: Plan, layout: Layout, pool: Pooling | None, x: Tensor, states, values):
    p = plan.program
    x, x_strides = launch.readable(layout, x)
    windows = pool.layout(layout) if pool else layout
    before = [layout.state(s) for s in states]
    after = [torch.empty_like(s) for s in before]
    out = x if plan.overwrite and not (plan.training or pool) else windows.empty()
    kept = {name: layout.empty(launch.DTYPES[plan.storage_of(name)]) for name in plan.own}
    given = launch.geometry(layout, torch.get_num_threads()) | launch.strides("x", x_strides)
    given |= {"X": x.data_ptr(), "OUT": out.data_ptr()}
    given |= {f"K_{name}": k.data_ptr() for name, k in kept.items()}
    given |= {f"S0_{name}": s.data_ptr() for name, s in zip(p.states, before, strict=True)}
    given |= {f"S_{name}": s.data_ptr() for name, s in zip(p.states, after, strict=True)}
    alive: list[Tensor] = []
    given |= launch.coefficients(plan, layout, values, alive)
    if pool:
        given |= pool.arguments(layout, windows.strides)
    launch.call(plan, False, given)
    return out, [layout.unflat(s) for s in after], list(kept.values())


def _backward(plan: Plan, layout: Layout, pool: Pooling | None, x, kept: dict[str, Tensor], d_out, d_after, values):
    p = plan.program
    windows = pool.layout(layout) if pool else layout
    if d_out is None:
        d_out = torch.zeros(()).expand(layout.steps, layout.batch, *windows.shape)
    if pool and not any(d_out.stride()):
        d_out = windows.empty().copy_(d_out)
    d_out, d_strides = launch.readable(windows, d_out.to(torch.float32))
    ends = [torch.zeros(layout.batch * layout.neurons) if d is None else layout.state(d) for d in d_after]
    starts = [torch.empty_like(end) for end in ends]
    sums = {name: torch.empty(layout.batch * layout.neurons) for name, _ in plan.gradients}
    over = plan.gradient_over
    over_x = over is not None and over in ("x", plan.over_x)
    d_x = x if over_x else layout.empty() if over is None else kept[over]
    if over is not None and torch._C._autograd._get_current_graph_task_keep_graph():
        d_x = layout.empty().copy_(d_x)  # backward comes again: what it needs stays
    if over in kept:
        kept = {**kept, over: d_x}
    x, x_strides = (d_x, layout.strides) if x is None or over_x else launch.readable(layout, x)
    given = launch.geometry(layout, torch.get_num_threads()) | launch.strides("x", x_strides)
    given |= launch.strides("g", d_strides)
    given |= {"X": x.data_ptr(), "D_out": d_out.data_ptr(), "D_x": d_x.data_ptr()}
    given |= {f"K_{name}": k.data_ptr() for name, k in kept.items()}
    given |= {f"G0_{name}": s.data_ptr() for name, s in zip(p.states, starts, strict=True)}
    given |= {f"G_{name}": s.data_ptr() for name, s in zip(p.states, ends, strict=True)}
    given |= {f"P_{name}": s.data_ptr() for name, s in sums.items()}
    alive: list[Tensor] = []
    given |= launch.coefficients(plan, layout, values, alive)
    if pool:
        given |= pool.arguments(layout, d_strides)
    launch.call(plan, True, given)
    d_coefs = [
        layout.unflat(sums[name]).sum_to_size(value.shape) if name in sums else None
        for name, value in zip(p.coefs, values, strict=True)
    ]
    return d_x, [layout.unflat(s) for s in starts], d_coefs
