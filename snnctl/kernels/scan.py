"""A neuron over a whole sequence in one call: the kernel forward, the kernel back, under torch's autograd."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import threads
from snnctl.kernels.compiled import Kernel
from snnctl.kernels.cpu import arguments, source
from snnctl.kernels.layout import Layout, Strides, layout_of, span
from snnctl.kernels.plan import Plan, Storage
from snnctl.kernels.plan import plan as make_plan
from snnctl.kernels.pooling import Pooling
from snnctl.kernels.program import Program

BLOCK = 4096  # neurons a block: long runs of memory, and the state still in the first-level caches
DTYPES = {"float32": torch.float32, "bfloat16": torch.uint16, "float16": torch.uint16}


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
    tensors = [v for v in values if isinstance(v, Tensor)]
    training = (
        torch.is_grad_enabled()
        and program.differentiable
        and any(a.requires_grad for a in (x, *states, *tensors))
    )  # fmt: skip
    named, layout = dict(zip(program.coefs, values, strict=True)), layout_of(x)
    if pool is not None and layout.order != (1, 2, 0):
        x, overwrite = x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, x.shape[:2]), True
        layout = replace(layout_of(x), order=(1, 2, 0))
    plan = make_plan(
        program,
        frozenset(name for name, v in named.items() if isinstance(v, Tensor) and v.numel() != 1),
        training,
        tuple(name for name, v in named.items() if training and isinstance(v, Tensor) and v.requires_grad),
        overwrite and layout.strides_of(x) == layout.strides,
        storage,
        pool.size if pool else 0,
    )
    if training:
        out, *after = _Scan.apply(plan, layout, pool, x, *states, *values)
    else:
        out, after, _ = _forward(plan, layout, pool, x, states, values)
    return out, state._replace(**dict(zip(program.states, after, strict=True)))


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, plan: Plan, layout: Layout, pool: Pooling | None, x: Tensor, *rest):
        n = len(plan.program.states)
        out, after, kept = _forward(plan, layout, pool, x, rest[:n], rest[n:])
        ctx.set_materialize_grads(False)
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
        names = [name for name in plan.kept if name != plan.over_x]
        x, *saved = ctx.saved_tensors
        kept, tensors = saved[: len(names)], iter(saved[len(names) :])
        values = [ctx.floats[name] if name in ctx.floats else next(tensors) for name in plan.program.coefs]
        kept = dict(zip(names, kept, strict=True))
        d_x, d_states, d_coefs = _backward(plan, layout, ctx.pool, x, kept, d_out, d_after, values)
        return None, None, None, d_x, *d_states, *d_coefs


def _forward(plan: Plan, layout: Layout, pool: Pooling | None, x: Tensor, states, values):
    p = plan.program
    x, strides = layout.readable(x)
    before = [layout.state(s) for s in states]
    after = [torch.empty_like(s) for s in before]
    windows = pool.layout(layout) if pool else layout
    out = x if plan.overwrite and not (plan.training or pool) else windows.empty()
    truths = p.truths()
    kept = {
        name: layout.empty(torch.uint8 if name in truths else DTYPES[plan.storage])
        for name in plan.kept
        if name != plan.over_x
    }
    arrays = {"X": flat(layout, x, strides), "OUT": flat(windows, out)}
    arrays |= {f"K_{name}": flat(layout, k) for name, k in kept.items()}
    arrays |= {f"S0_{name}": s.numpy() for name, s in zip(p.states, before, strict=True)}
    arrays |= {f"S_{name}": s.numpy() for name, s in zip(p.states, after, strict=True)}
    given = {**arrays, **_strides("x", strides)} | (pool.arguments(layout, windows.strides) if pool else {})
    _launch(plan, layout, False, given, values)
    return out, [layout.unflat(s) for s in after], list(kept.values())


def _backward(plan: Plan, layout: Layout, pool: Pooling | None, x, kept: dict[str, Tensor], d_out, d_after, values):
    p = plan.program
    windows = pool.layout(layout) if pool else layout
    if d_out is None:
        d_out = torch.zeros(()).expand(layout.steps, layout.batch, *windows.shape)
    d_out, gradient_strides = windows.readable(d_out.to(torch.float32))
    if pool and gradient_strides.neuron == 0:
        d_out, gradient_strides = windows.empty().copy_(d_out), windows.strides
    zero = torch.zeros(layout.batch * layout.neurons)
    ends = [zero if d is None else layout.state(d) for d in d_after]
    starts = [torch.empty_like(zero) for _ in p.states]
    sums = {name: torch.empty_like(zero) for name, _ in plan.gradients}
    over = plan.gradient_over
    over_x = over is not None and over in ("x", plan.over_x)
    target = x if over_x else layout.empty() if over is None else kept[over]
    if over is not None and torch._C._autograd._get_current_graph_task_keep_graph():
        target = layout.empty().copy_(target)  # backward comes again: what it needs stays
    x, strides = (d_out, Strides(0, 0, 0)) if x is None else layout.readable(target if over_x else x)
    arrays = {"D_out": flat(windows, d_out, gradient_strides), "X": flat(layout, x, strides)}
    arrays |= {"D_x": flat(layout, target)}
    arrays |= {f"K_{name}": flat(layout, target if name == over else k) for name, k in kept.items()}
    arrays |= {f"D0_{name}": s.numpy() for name, s in zip(p.states, starts, strict=True)}
    arrays |= {f"D_{name}": s.numpy() for name, s in zip(p.states, ends, strict=True)}
    arrays |= {f"P_{name}": s.numpy() for name, s in sums.items()}
    given = {**arrays, **_strides("x", strides), **_strides("g", gradient_strides)}
    _launch(plan, layout, True, given | (pool.arguments(layout, gradient_strides) if pool else {}), values)
    d_coefs = [
        layout.unflat(sums[name]).sum_to_size(value.shape) if name in sums else None
        for name, value in zip(p.coefs, values, strict=True)
    ]
    return target, [layout.unflat(s) for s in starts], d_coefs


def _launch(plan: Plan, layout: Layout, backward: bool, arrays: dict, values) -> None:
    own = layout.strides
    # Two blocks a thread at least, in whole vector registers.
    parts = 2 * torch.get_num_threads() if layout.rows == 1 else 1
    block = min(BLOCK, max(256, -(-layout.width // parts + 15) // 16 * 16), layout.width)
    given = {
        "T": layout.steps, "R": layout.rows, "M": layout.width, "block": block, "at": own.step, "ar": own.row,
        **arrays,
    }  # fmt: skip
    given |= coefficients(plan, layout, values)
    function = kernels(plan)[backward]
    rest = [given[name] for name in argument_names(plan, backward)[2:]]
    jobs = given["R"] * -(-given["M"] // given["block"])
    threads.run(lambda j0, j1: function(j0, j1, *rest), jobs, layout.steps * layout.rows * layout.width)


def coefficients(plan: Plan, layout: Layout, values) -> dict[str, object]:
    """The arguments that hold the coefficients: numbers, and flat arrays with how they repeat."""
    given: dict[str, object] = {}
    for name, value in zip(plan.program.coefs, values, strict=True):
        if name in plan.vectors:
            vector, given[f"inner_{name}"] = layout.vector(value)
            given[f"C_{name}"] = vector.numpy()
        else:
            given[f"c_{name}"] = np.float32(value.item() if isinstance(value, Tensor) else value)
    return given


@lru_cache(maxsize=512)
def kernels(plan: Plan) -> tuple[Kernel, Kernel]:
    """The forward and the backward kernel of a plan."""

    def text(keep: bool) -> str:
        return source(plan, keep)

    return Kernel(plan.program.neuron, "forward", text), Kernel(plan.program.neuron, "backward", text)


@lru_cache(maxsize=512)
def argument_names(plan: Plan, backward: bool) -> list[str]:
    """Names of a kernel's arguments, in order."""
    return arguments(plan, backward)


def flat(layout: Layout, a: Tensor, strides: Strides | None = None) -> np.ndarray:
    """A sequence as the flat array that a kernel reads with these strides; the layout's own if none are given."""
    step, row, neuron = strides or layout.strides
    if neuron == 0:
        return np.full(BLOCK, a[(0,) * a.dim()].item(), np.float32)
    return span(a, (layout.steps - 1) * step + (layout.rows - 1) * row + layout.width)


def _strides(prefix: str, strides: Strides) -> dict[str, int]:
    return {f"{prefix}t": strides.step, f"{prefix}r": strides.row, f"{prefix}m": strides.neuron}
