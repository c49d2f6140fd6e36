"""A neuron over a whole sequence in one call: the kernel forward, the kernel back, under torch's autograd."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnctl.kernels import autograd
from snnctl.kernels.launch import BLOCK, CPU, Launcher
from snnctl.kernels.layout import Layout, Strides, layout_of
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
    launcher: Launcher = CPU,
) -> tuple[Tensor, NamedTuple]:
    """Run a program over a sequence, one fused pass.

    Args:
        program: of the neuron.
        x: (T, B, ...) float32, any strides.
        state: before the first step, fields (B, ...) float32.
        coefs: floats, and tensors that broadcast against (B, ...).
        overwrite: x is nobody else's: its memory may take what the backward pass needs, or the output.
        storage: how numbers kept for the backward pass are stored; halves cost accuracy of the gradient alone.
        pool: give the output summed or averaged over windows of its maps, which is never written in full; x is
            (T, B, C, H, W) and is brought into channels-last order. On the CPU.
        launcher: what runs the kernels, where x is.

    Returns:
        out (T, B, ...) in x's order of memory, and the state after the last step.
    """
    states = [getattr(state, name) for name in program.states]
    values = [getattr(coefs, name) for name in program.coefs]
    if pool is not None and not pool.fits(x):
        out, state = scan(program, x, state, coefs, overwrite=overwrite, storage=storage, launcher=launcher)
        return pool(out), state
    layout = layout_of(x)
    if pool is not None and layout.order != (1, 2, 0):
        given = x
        x = x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, x.shape[:2])
        overwrite = overwrite or x.data_ptr() != given.data_ptr()
        layout = replace(layout_of(x), order=(1, 2, 0))
    overwrite = overwrite and layout.strides_of(x) == layout.strides
    plan = plan_for(
        program, x, states, values, overwrite=overwrite, storage=storage, pool=pool.size if pool else 0,
        by_address=launcher.by_address,
    )  # fmt: skip
    call = Call(plan, layout, launcher, pool)
    if plan.training:
        out, *after = _Scan.apply(call, x, *states, *values)
    else:
        out, after, _ = call.forward(x.detach(), states, values)
    return out, state._replace(**dict(zip(program.states, after, strict=True)))


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, call: Call, x: Tensor, *rest):
        plan, n = call.plan, len(call.plan.program.states)
        out, after, kept = call.forward(x, rest[:n], rest[n:])
        ctx.call = call
        x_kept = x if "x" in plan.saved or plan.over_x else None
        autograd.keep(ctx, plan, (out, *after), (x_kept, *kept), rest[n:])
        return (out, *after)

    @staticmethod
    def backward(ctx, d_out, *d_after):
        (x, *saved), values = autograd.kept(ctx)
        d_x, d_states, d_coefs = ctx.call.backward(x, saved, d_out, d_after, values)
        return None, d_x, *d_states, *d_coefs


class Call(NamedTuple):
    """A run of a plan's kernels over one sequence: tensors in, tensors out, autograd aside."""

    plan: Plan
    layout: Layout
    launcher: Launcher
    pool: Pooling | None = None

    def forward(
        self, x: Tensor, states: Sequence[Tensor], values: Sequence, feedback: Mapping[str, Any] | None = None
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The output, the states after the last step, and the values of `plan.own` kept for the way back.

        Args:
            x: input. states: before the first step. values: the coefficients.
            feedback: further arguments of a kernel with feedback.
        """
        plan, layout, pool, p = self.plan, self.layout, self.pool, self.plan.program
        x, x_strides = _readable(layout, x)
        windows = pool.layout(layout) if pool else layout
        before = [layout.state(s) for s in states]
        after = [layout.empty_state(x.device) for _ in before]
        out = x if plan.out_over_x else windows.empty(device=x.device)
        kept = [layout.empty(plan.dtype_of(name), x.device) for name in plan.own]
        given = {"X": x, "OUT": out, **_strides("x", x_strides), **_named("K_", plan.own, kept)}
        given |= _named("S0_", p.states, before) | _named("S_", p.states, after)
        if pool:
            given |= pool.arguments(layout, windows.strides)
        self.launcher.run(plan, layout, False, given | (feedback or {}), values)
        return out, after, kept

    def backward(
        self,
        x: Tensor | None,
        saved: Sequence[Tensor],
        d_out: Tensor | None,
        d_after: Sequence[Tensor | None],
        values: Sequence,
        feedback: Mapping[str, Any] | None = None,
    ) -> tuple[Tensor, list[Tensor], list[Tensor | None]]:
        """The gradients of x, the states before the first step and the coefficients.

        Args:
            x: as it was given, or written over; None where it is not needed.
            saved: as from `forward`. d_out, d_after: gradients of the results. values, feedback: as of `forward`.
        """
        plan, layout, pool, p = self.plan, self.layout, self.pool, self.plan.program
        device = next(d.device for d in (d_out, *d_after) if d is not None)
        windows = pool.layout(layout) if pool else layout
        if d_out is None:
            d_out = torch.zeros((), device=device).expand(layout.steps, layout.batch, *windows.shape)
        if pool and not any(d_out.stride()):
            d_out = windows.empty().copy_(d_out)
        d_out, d_strides = _readable(windows, d_out.to(torch.float32))
        size = layout.batch * layout.neurons
        ends = [torch.zeros(size, device=device) if d is None else layout.state(d) for d in d_after]
        starts = [layout.empty_state(device) for _ in ends]
        sums = {name: layout.empty_state(device) for name, _ in plan.gradients}
        kept, over = dict(zip(plan.own, saved, strict=True)), plan.gradient_over
        over_x = over is not None and plan.place(over) == "X"
        d_x = layout.empty(device=device) if over is None else x if over_x else kept[over]
        if over is not None and autograd.comes_again():
            d_x = layout.empty(device=device).copy_(d_x)
        if over in kept:
            kept[over] = d_x
        x, x_strides = (d_x, layout.strides) if x is None or over_x else _readable(layout, x)
        given = {"X": x, "D_out": d_out, "D_x": d_x, **_strides("x", x_strides), **_strides("g", d_strides)}
        given |= _named("K_", kept, kept.values()) | _named("P_", sums, sums.values())
        given |= _named("G0_", p.states, starts) | _named("G_", p.states, ends)
        if pool:
            given |= pool.arguments(layout, d_strides)
        self.launcher.run(plan, layout, True, given | (feedback or {}), values)
        named = zip(p.coefs, values, strict=True)
        return d_x, starts, [sums[name].sum_to_size(c.shape) if name in sums else None for name, c in named]


def _readable(layout: Layout, a: Tensor) -> tuple[Tensor, Strides]:
    """As `Layout.readable`; one value for all becomes a row of it, as long as a block."""
    a, of = layout.readable(a)
    if of.neuron == 0 and a.numel():
        row = min(max(BLOCK, layout.neurons), layout.width)
        a = a.detach()[(0,) * a.dim()].to(torch.float32).expand(row).contiguous()
    return a, of


@lru_cache(maxsize=1024)
def _strides(prefix: str, of: Strides) -> dict[str, int]:
    return {f"{prefix}t": of.step, f"{prefix}r": of.row, f"{prefix}m": of.neuron}


def _named(prefix: str, names: Iterable[str], tensors: Iterable[Tensor]) -> dict[str, Any]:
    return dict(zip(_prefixed(prefix, tuple(names)), tensors, strict=True))


@lru_cache(maxsize=1024)
def _prefixed(prefix: str, names: tuple[str, ...]) -> list[str]:
    return [prefix + name for name in names]
