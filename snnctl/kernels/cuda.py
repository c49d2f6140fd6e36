"""A neuron over a whole sequence on a GPU: Triton kernels forward and back, under torch's autograd."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnctl.atomic import write_text
from snnctl.errors import UserError
from snnctl.kernels.compiled import kernel_folder
from snnctl.kernels.cuda_source import arguments, out_over_x, source
from snnctl.kernels.layout import Layout, Strides, layout_of
from snnctl.kernels.plan import Plan, Storage, plan_for
from snnctl.kernels.program import Program

THREADS = 128  # of a program, one neuron each; few: neurons alone run side by side, not steps
MANY = 1 << 20  # neurons of a step from which each thread takes four, in one load
INTERPRETED = 1 << 16  # most neurons of a program in Triton's interpreter
STAGES = 4  # steps whose loads are under way at once


def scan(
    program: Program,
    x: Tensor,
    state: NamedTuple,
    coefs: NamedTuple,
    *,
    overwrite: bool = False,
    storage: Storage = "float32",
    pool: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, NamedTuple]:
    """Run a program over a sequence on a GPU, one fused pass; nothing waits for the GPU.

    Args:
        program: of the neuron.
        x: (T, B, ...) float32, any strides, on a CUDA device; on the CPU if TRITON_INTERPRET=1.
        state: before the first step, fields (B, ...) float32.
        coefs: floats, and tensors that broadcast against (B, ...).
        overwrite: x is nobody else's: its memory may take what the backward pass needs, or the output.
        storage: how numbers kept for the backward pass are stored; halves cost accuracy of the gradient alone.
        pool: what the output goes through, in torch.

    Returns:
        out (T, B, ...) in x's order of memory, and the state after the last step.

    Raises:
        UserError: Triton is not installed, or x is where it does not run.
        Untraceable: the program has an op that Triton has no expression for.
    """
    if not (x.is_cuda or interpreted()):
        problem = f"{program.neuron}: the cuda kernel got an input on {x.device}"
        raise UserError(problem, "move the network and its input to the GPU, or   backend=auto")
    states = [getattr(state, name) for name in program.states]
    values = [getattr(coefs, name) for name in program.coefs]
    layout = layout_of(x)
    overwrite = overwrite and layout.strides_of(x) == layout.strides
    plan = plan_for(program, x, states, values, overwrite=overwrite, storage=storage, by_address=True)
    if plan.training:
        out, *after = _Scan.apply(plan, layout, x, *states, *values)
    else:
        out, after, _ = _run_forward(plan, layout, x, states, values)
    after = state._replace(**dict(zip(program.states, after, strict=True)))
    return (out if pool is None else pool(out)), after


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, plan: Plan, layout: Layout, x: Tensor, *rest):
        n = len(plan.program.states)
        out, after, kept = _run_forward(plan, layout, x, rest[:n], rest[n:])
        ctx.set_materialize_grads(False)
        ctx.plan, ctx.layout = plan, layout
        ctx.values = [None if isinstance(v, Tensor) else v for v in rest[n:]]
        x_kept = x if "x" in plan.saved or plan.over_x else None
        ctx.save_for_backward(x_kept, *kept.values(), *(v for v in rest[n:] if isinstance(v, Tensor)))
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
        kept, tensors = dict(zip(names, saved, strict=False)), iter(saved[len(names) :])
        values = [next(tensors) if v is None else v for v in ctx.values]
        return None, None, *_run_backward(plan, layout, x, kept, d_out, d_after, values)


def _run_forward(plan: Plan, layout: Layout, x: Tensor, states, values):
    p = plan.program
    x, strides = _readable(layout, x)
    before = [layout.state(s) for s in states]
    after = [torch.empty_like(s) for s in before]
    out = x if out_over_x(plan) else _empty(layout, x.device)
    types = {name: torch.uint8 if name in p.truths else getattr(torch, plan.storage) for name in plan.kept}
    kept = {name: _empty(layout, x.device, types[name]) for name in plan.kept if name != plan.over_x}
    given = {"X": x, "OUT": out, **_strides("x", strides), **_named("K_", kept, kept.values())}
    given |= _named("S0_", p.states, before) | _named("S_", p.states, after)
    _launch(plan, layout, False, x.device, given, values)
    return out, [layout.unflat(s) for s in after], kept


def _run_backward(plan: Plan, layout: Layout, x: Tensor | None, kept: dict[str, Tensor], d_out, d_after, values):
    p, over = plan.program, plan.gradient_over
    device = next(d.device for d in (d_out, *d_after) if d is not None)
    if d_out is None:
        d_out = torch.zeros((), device=device).expand(layout.steps, layout.batch, *layout.shape)
    d_out, strides = _readable(layout, d_out.to(torch.float32))
    zero = torch.zeros(layout.batch * layout.neurons, device=device)
    ends = [zero if d is None else layout.state(d) for d in d_after]
    starts = [torch.empty_like(zero) for _ in p.states]
    sums = {name: torch.empty_like(zero) for name, _ in plan.gradients}
    over_x = over is not None and over in ("x", plan.over_x)
    target = x if over_x else _empty(layout, device) if over is None else kept[over]
    if over is not None and torch._C._autograd._get_current_graph_task_keep_graph():
        target = _empty(layout, device).copy_(target)  # backward comes again: what it needs stays
    if over in kept:
        kept = {**kept, over: target}
    x, x_strides = (d_out, strides) if x is None else _readable(layout, target if over_x else x)
    given = {"D_out": d_out, "X": x, "D_x": target, **_strides("x", x_strides), **_strides("g", strides)}
    given |= _named("K_", kept, kept.values()) | _named("P_", sums, sums.values())
    given |= _named("G0_", p.states, starts) | _named("G_", p.states, ends)
    _launch(plan, layout, True, device, given, values)
    d_coefs = (
        layout.unflat(sums[name]).sum_to_size(value.shape) if name in sums else None
        for name, value in zip(p.coefs, values, strict=True)
    )
    return target, *(layout.unflat(s) for s in starts), *d_coefs


def _launch(plan: Plan, layout: Layout, backward: bool, device: torch.device, given: dict[str, Any], values) -> None:
    if not layout.steps * layout.batch * layout.neurons:
        return
    given |= {"T": layout.steps, "M": layout.width, "at": layout.strides.step, "ar": layout.strides.row}
    for name, value in zip(plan.program.coefs, values, strict=True):
        if name in plan.vectors:
            vector, given[f"inner_{name}"] = layout.vector(value.to(device, non_blocking=True))
            given[f"C_{name}"], given[f"size_{name}"] = vector, vector.numel()
        else:
            given[f"f_{name}"] = float(value)
    block = THREADS * (4 if layout.rows * layout.width >= MANY else 1)
    if interpreted():  # which takes some ms for each program and step, however large it is
        block = min(INTERPRETED, 1 << (layout.width - 1).bit_length())
    function, names = _functions(plan, interpreted())[backward]
    grid = (layout.rows * -(-layout.width // block),)
    with torch.cuda.device(device if device.type == "cuda" else -1):
        # A fused multiply-add rounds once where torch rounds twice: neurons near threshold would fire differently.
        options = {"num_warps": THREADS // 32, "enable_fp_fusion": False}
        function[grid](*(given[name] for name in names), BLOCK=block, STAGES=STAGES, **options)


@lru_cache(maxsize=512)
def _functions(plan: Plan, interpret: bool) -> list[tuple[Any, list[str]]]:
    """(function, names of its arguments), forward and backward, of the module in the folder of kernels."""
    text, folder = source(plan), kernel_folder()
    path = folder or Path("kernels of snnctl")
    path /= f"{plan.program.neuron}_{hashlib.sha256(text.encode()).hexdigest()[:24]}_cuda.py"
    if folder is None:  # Triton reads the source of a function back, from here if there is no file
        linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    elif not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)
    module = ModuleType(f"snnctl_kernel_{path.stem}")
    exec(compile(text, str(path), "exec"), vars(module))
    functions = [(module.forward, arguments(plan, False))]
    return functions + ([(module.backward, arguments(plan, True))] if plan.training else [])


def interpreted() -> bool:
    """Whether Triton's interpreter runs kernels, on the CPU (TRITON_INTERPRET=1).

    Raises:
        UserError: Triton is not installed.
    """
    try:
        import triton
    except ImportError as error:
        raise UserError("backend cuda needs Triton, which is not installed", "pip install 'snnctl[cuda]'") from error
    return triton.knobs.runtime.interpret


def _empty(layout: Layout, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """As `Layout.empty`, on any device."""
    flat = torch.empty(layout.steps * layout.batch * layout.neurons, dtype=dtype, device=device)
    samples = replace(layout, batch=layout.steps * layout.batch).unflat(flat)
    if layout.batch_major:
        return samples.unflatten(0, (layout.batch, layout.steps)).transpose(0, 1)
    return samples.unflatten(0, (layout.steps, layout.batch))


def _readable(layout: Layout, a: Tensor) -> tuple[Tensor, Strides]:
    """As `Layout.readable`, on any device."""
    strides = layout.strides_of(a)
    return (a, strides) if strides is not None else (_empty(layout, a.device, a.dtype).copy_(a), layout.strides)


def _named(prefix: str, names: Iterable[str], tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in zip(names, tensors, strict=True)}


def _strides(prefix: str, strides: Strides) -> dict[str, int]:
    return {f"{prefix}t": strides.step, f"{prefix}r": strides.row, f"{prefix}m": strides.neuron}
