"""Recurrent neurons: the step's kernel after the weight rows of the neurons that fired have been added up."""

from __future__ import annotations

from functools import lru_cache
from textwrap import indent
from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import launch, threads
from snnctl.kernels.compiled import Kernel
from snnctl.kernels.cpu import head, ref, statements, store, vector_arrays, vector_fills, vector_loads, views
from snnctl.kernels.layout import Layout
from snnctl.kernels.plan import Plan, Storage, plan_for
from snnctl.kernels.program import Program

CHUNK = 32  # steps after which it is decided anew whether rows are added up or multiplied densely
DENSE = 0.4  # share of neurons that fire above which a dense product is faster (measured: N = 256 and 1024)
DENSE_GRADIENT = 0.2  # the same for the gradient of the weights


def recurrent_scan(
    program: Program,
    x: Tensor,
    before: Tensor,
    state: NamedTuple,
    coefs: NamedTuple,
    weight: Tensor,
    bias: Tensor | None = None,
    storage: Storage = "float32",
) -> tuple[Tensor, NamedTuple]:
    """out[t] = neuron(x[t] + W out[t-1] + b), over a whole sequence on the CPU.

    Forward adds up the weight rows of the neurons that fired, in the order of the neurons, or multiplies densely where
    many do; backward takes one dense product a step, and the rows of those that fired for the gradient of W.

    Args:
        program: of the neuron.
        x: (T, B, *shape) float32.
        before: out[-1], (B, *shape).
        state: before the first step, fields (B, *shape) float32.
        coefs: floats, and tensors that broadcast against (B, *shape).
        weight: W (N, N), row i to neuron i. bias: b (N,).
        storage: as of `snnctl.kernels.scan.scan`.

    Returns:
        out (T, B, *shape), and the neuron's state after the last step.
    """
    n = x[0, 0].numel()
    if weight.shape != (n, n) or (bias is not None and bias.shape != (n,)) or before.shape != x.shape[1:]:
        raise UserError(
            f"recurrent {program.neuron}: weights {tuple(weight.shape)} and outputs {tuple(before.shape)} of the step "
            f"before do not fit an input of shape {tuple(x.shape)}",
            f"wanted         weights ({n}, {n}), outputs {tuple(x.shape[1:])}",
        )
    states = [getattr(state, name) for name in program.states]
    values = [getattr(coefs, name) for name in program.coefs]
    others = [a for a in (before, weight, bias, *states) if a is not None]
    own = plan_for(program, x, others, values, storage=storage)
    shape = tuple(x.shape[2:])
    layout = Layout(x.shape[0], x.shape[1], shape, tuple(range(len(shape))), False)
    if own.training:
        out, *after = _RecurrentScan.apply(own, layout, x, before, weight, bias, *states, *values)
    else:
        with torch.autocast("cpu", enabled=False):
            out, after, _, _ = _forward(own, layout, x, before, weight, bias, states, values)
    return out, state._replace(**dict(zip(program.states, after, strict=True)))


class _RecurrentScan(torch.autograd.Function):
    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def forward(ctx, plan: Plan, layout: Layout, x, before, weight, bias, *rest):
        n = len(plan.program.states)
        out, after, kept, rate = _forward(plan, layout, x, before, weight, bias, rest[:n], rest[n:])
        ctx.set_materialize_grads(False)
        ends = zip((out, *after), plan.program.flows, strict=True)
        ctx.mark_non_differentiable(*(end for end, flows in ends if not flows))
        ctx.plan, ctx.layout, ctx.rate, ctx.biased = plan, layout, rate, None if bias is None else bias.dtype
        names = plan.program.coefs
        ctx.floats = {name: v for name, v in zip(names, rest[n:], strict=True) if not isinstance(v, Tensor)}
        ctx.save_for_backward(before, weight, out, *kept, *(v for v in rest[n:] if isinstance(v, Tensor)))
        return (out, *after)

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def backward(ctx, d_out, *d_after):
        plan, layout = ctx.plan, ctx.layout
        if torch.is_grad_enabled():
            raise UserError(
                f"the compiled kernel of {plan.program.neuron} has no second derivative (create_graph=True)",
                'run the layer with   backend="eager"',
            )
        before, weight, out, *saved = ctx.saved_tensors
        kept, tensors = dict(zip(plan.saved, saved, strict=False)), iter(saved[len(plan.saved) :])
        values = [ctx.floats[name] if name in ctx.floats else next(tensors) for name in plan.program.coefs]
        full = weight.to(torch.float32)
        d_x, d_before, d_states, d_coefs = _backward(plan, layout, full, kept, d_out, d_after, values)
        d_weight = d_bias = None
        if ctx.needs_input_grad[4]:
            d_weight = weight_gradient(out, before, d_x, ctx.rate).to(weight.dtype)
        if ctx.biased is not None and ctx.needs_input_grad[5]:
            d_bias = d_x.flatten(2).sum((0, 1)).to(ctx.biased)
        return None, None, d_x, d_before, d_weight, d_bias, *d_states, *d_coefs


def _forward(plan: Plan, layout: Layout, x, before, weight, bias, states, values):
    p, steps, batch, n = plan.program, layout.steps, layout.batch, layout.neurons
    flat_x = x.detach().flatten(2)
    flat_x = flat_x if flat_x.stride(2) == 1 else flat_x.contiguous()
    xt, xr, _ = flat_x.stride()
    out = layout.empty()
    kept = {name: layout.empty(launch.DTYPES[plan.storage_of(name)]) for name in plan.saved}
    after = [layout.state(s).clone() for s in states]
    first = layout.state(before)
    rows = weight.detach().to(torch.float32).t().contiguous()
    offset = torch.zeros(n) if bias is None else bias.detach().to(torch.float32).contiguous()
    active = torch.zeros(batch, dtype=torch.int64)
    alive: list[Tensor] = []
    given = {
        "B": batch, "N": n, "OUT": out.data_ptr(), "FIRST": first.data_ptr(), "W": rows.data_ptr(),
        "BIAS": offset.data_ptr(), "ACTIVE": active.data_ptr(),
    }  # fmt: skip
    given |= {f"K_{name}": k.data_ptr() for name, k in kept.items()}
    given |= {f"S_{name}": s.data_ptr() for name, s in zip(p.states, after, strict=True)}
    given |= launch.coefficients(plan, layout, values, alive)
    sparse = {**given, "gather": True, "X": flat_x.data_ptr(), "xt": xt, "xr": xr}
    current = torch.empty(batch, n)
    dense = {**given, "gather": False, "X": current.data_ptr(), "xt": 0, "xr": n}
    function, names = _kernel(plan), _arguments(plan)
    share, total = float((first != 0).float().mean()), 0
    flat_out = out.flatten(2)
    for t0 in range(0, steps, CHUNK):
        t1 = min(steps, t0 + CHUNK)
        active.zero_()
        if share <= DENSE:
            _call(function, names, sparse, t0, t1, batch, n)
        else:
            for t in range(t0, t1):
                last = flat_out[t - 1] if t else first.view(batch, n)
                torch.add(torch.mm(last, rows, out=current), flat_x[t], out=current)
                _call(function, names, dense, t, t + 1, batch, n)
        fired = int(active.sum())
        share, total = fired / (batch * n * (t1 - t0)), total + fired
    return out, [layout.unflat(s) for s in after], list(kept.values()), total / (batch * n * steps)


def _call(function: Kernel, names: list[str], given: dict, t0: int, t1: int, batch: int, n: int) -> None:
    given = {**given, "first": t0, "stop": t1}
    rest = [given[name] for name in names[2:]]
    threads.run(lambda b0, b1: function(b0, b1, *rest), batch, (t1 - t0) * batch * n)


def _backward(plan: Plan, layout: Layout, weight, kept: dict[str, Tensor], d_out, d_after, values):
    """The plain backward kernel, one step at a time, with the gradient that comes back through the weights added."""
    p, steps, batch, n = plan.program, layout.steps, layout.batch, layout.neurons
    over = plan.gradient_over
    if over is not None and torch._C._autograd._get_current_graph_task_keep_graph():
        kept = {**kept, over: layout.empty().copy_(kept[over])}
    d_x = layout.empty() if over is None else kept[over]
    zeros = torch.zeros(batch * n)
    grads = [zeros.clone() if d is None else layout.state(d).clone() for d in d_after]
    sums = {name: torch.zeros(batch * n) for name, _ in plan.gradients}
    step_sums = {name: torch.empty(batch * n) for name in sums}
    flow = torch.zeros(batch, n)
    if d_out is not None:
        d_out = d_out.to(torch.float32).flatten(2)
    size = batch * n
    one = Layout(1, batch, layout.shape, layout.order, False)
    given = launch.geometry(one, torch.get_num_threads()) | launch.strides("x", one.strides)
    given |= launch.strides("g", one.strides) | {"D_out": flow.data_ptr(), "X": flow.data_ptr()}
    given |= {f"G_{name}": g.data_ptr() for name, g in zip(p.states, grads, strict=True)}
    given |= {f"G0_{name}": g.data_ptr() for name, g in zip(p.states, grads, strict=True)}
    given |= {f"P_{name}": g.data_ptr() for name, g in step_sums.items()}
    alive: list[Tensor] = []
    given |= launch.coefficients(plan, one, values, alive)
    varying = {"D_x": (d_x.data_ptr(), size * d_x.itemsize)}
    for name, k in kept.items():
        varying["X" if name == "x" else f"K_{name}"] = (k.data_ptr(), size * k.itemsize)
    flat_x = d_x.flatten(2)
    for t in range(steps - 1, -1, -1):
        if t < steps - 1:
            if d_out is None:
                torch.mm(flat_x[t + 1], weight, out=flow)
            else:
                torch.addmm(d_out[t], flat_x[t + 1], weight, out=flow)
        elif d_out is not None:
            flow.copy_(d_out[t])
        given.update({name: address + t * step for name, (address, step) in varying.items()})
        launch.call(plan, True, given)
        for name, total in sums.items():
            total += step_sums[name]
    d_before = layout.unflat(torch.mm(flat_x[0], weight).view(-1))
    d_coefs = [
        layout.unflat(sums[name]).sum_to_size(value.shape) if name in sums else None
        for name, value in zip(p.coefs, values, strict=True)
    ]
    return d_x, d_before, [layout.unflat(g) for g in grads], d_coefs


def weight_gradient(out: Tensor, before: Tensor, d_x: Tensor, rate: float) -> Tensor:
    """dW[i, j] = sum over t, b of d_x[t, b, i] out[t-1, b, j].

    Args:
        out: (T, B, *shape), and before: out[-1]. d_x: gradient of the currents, as out.
        rate: share of values in `out` that are not zero: a dense product above `DENSE_GRADIENT`.

    Returns:
        (N, N). The same bits with any number of threads: each owns columns.
    """
    out, d_x, before = out.flatten(2), d_x.flatten(2), before.flatten(1)
    steps, batch, n = out.shape
    if rate > DENSE_GRADIENT:
        late = torch.mm(d_x[1:].flatten(0, 1).t(), out[:-1].flatten(0, 1))
        return late.addmm_(d_x[0].t(), before.to(late.dtype))
    rows = torch.zeros(n, n)
    first = before.to(torch.float32).contiguous().numpy()
    own, gradient, result = out.numpy(), d_x.numpy(), rows.numpy()
    threads.run(lambda a, b: _add_rows(own, first, gradient, result, a, b), n, steps * batch * n)
    return rows.t()


@njit(error_model="numpy", nogil=True, cache=True)
def _add_rows(out, first, d_x, rows, start, stop):
    steps, batch, n = out.shape
    index = np.empty(n + 1, np.int64)
    for t in range(steps):
        for b in range(batch):
            last = out[t - 1, b] if t else first[b]
            count = 0
            for j in range(n):
                index[count] = j
                count += last[j] != 0
            gradient = d_x[t, b, start:stop]
            for k in range(count):
                value, row = last[index[k]], rows[index[k], start:stop]
                for i in range(stop - start):
                    row[i] += value * gradient[i]


def source(plan: Plan, cache: bool = True) -> str:
    """The module of a plan's recurrent `forward`: samples b0 to b1, steps first to stop; states are updated."""
    p = plan.program
    body = ["x = current[i]", *(f"s_{s} = v_{s}[i]" for s in p.states), *vector_loads(plan)]
    body += statements(p.forward_lines(plan.saved)).splitlines()
    body += [f"K_{name}_[i] = {store(plan, name)}" for name in plan.saved]
    body += ["spike = " + ref(p.out), "OUT_[i] = spike", "fired += spike != ZERO"]
    body += [f"v_{s}[i] = {ref(after)}" for s, after in zip(p.states, p.after, strict=True)]
    slices = "".join(f"K_{name}_ = K_{name}[o : o + N]\n" for name in plan.saved)
    begin = [*(f"v_{s}[i] = S_{s}[q + i]" for s in p.states), *vector_fills(plan)] or ["pass"]
    end = [f"S_{s}[q + i] = v_{s}[i]" for s in p.states] or ["pass"]
    arrays = "\n".join(
        [*views(plan, _arguments(plan)), *(f"v_{s} = np.empty(N, np.float32)" for s in p.states), *vector_arrays(plan)]
    )
    text = FORWARD.format(
        arguments=", ".join(_arguments(plan)),
        arrays=indent(arrays.replace("np.empty(block,", "np.empty(N,"), " " * 4),
        begin=indent("\n".join(begin), " " * 12),
        slices=indent(slices, " " * 12),
        body=indent("\n".join(body), " " * 16),
        end=indent("\n".join(end), " " * 12),
    )
    return head(plan, cache) + text


# Four rows at once keep the sum in registers; it is added in the order of the neurons all the same.
FORWARD = """
@njit(**FLAGS)
def forward({arguments}):
    ACTIVE = carray(int64_at(ACTIVE), (ALL,))
    current = np.empty(N, np.float32)
    index = np.empty(N + 1, np.int64)
{arrays}
    for b in range(b0, b1):
        q = b * N
        active = 0
        for i in range(N):
{begin}
        for t in range(first, stop):
            o = (t * B + b) * N
            X_ = X[t * xt + b * xr : t * xt + b * xr + N]
            for i in range(N):
                current[i] = X_[i] + BIAS[i]
            if gather:
                last = OUT[o - B * N : o - B * N + N] if t > 0 else FIRST[q : q + N]
                count = 0
                for i in range(N):
                    index[count] = i
                    count += last[i] != ZERO
                k = 0
                while k + 4 <= count:
                    j0, j1, j2, j3 = index[k], index[k + 1], index[k + 2], index[k + 3]
                    a0, a1, a2, a3 = last[j0], last[j1], last[j2], last[j3]
                    r0, r1 = W[j0 * N : j0 * N + N], W[j1 * N : j1 * N + N]
                    r2, r3 = W[j2 * N : j2 * N + N], W[j3 * N : j3 * N + N]
                    for i in range(N):
                        current[i] = (((current[i] + a0 * r0[i]) + a1 * r1[i]) + a2 * r2[i]) + a3 * r3[i]
                    k += 4
                while k < count:
                    a0, r0 = last[index[k]], W[index[k] * N : index[k] * N + N]
                    for i in range(N):
                        current[i] += a0 * r0[i]
                    k += 1
            OUT_ = OUT[o : o + N]
{slices}
            fired = 0
            for i in range(N):
{body}
            active += fired
        for i in range(N):
{end}
        ACTIVE[b] += active
"""


def _arguments(plan: Plan) -> list[str]:
    p = plan.program
    vectors = [c for c in p.coefs if c in plan.vectors]
    return [
        "b0", "b1", "first", "stop", "B", "N", "gather", "xt", "xr", "X", "OUT", "FIRST", "W", "BIAS", "ACTIVE",
        *(f"K_{name}" for name in plan.saved), *(f"S_{s}" for s in p.states),
        *(f"c_{c}" for c in p.coefs if c not in plan.vectors), *(f"C_{c}" for c in vectors),
        *(f"inner_{c}" for c in vectors), *(f"size_{c}" for c in vectors),
    ]  # fmt: skip


@lru_cache(maxsize=512)
def _kernel(plan: Plan) -> Kernel:
    return Kernel(f"recurrent_{plan.program.neuron}", "forward", lambda keep: source(plan, keep))
