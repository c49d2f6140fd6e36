"""Recurrent neurons: the step's kernel with the outputs of the step before added to its input, through weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import autograd
from snnctl.kernels.launch import CPU
from snnctl.kernels.layout import Layout
from snnctl.kernels.plan import Storage, plan_for
from snnctl.kernels.products import multiply, outer_sum, pack
from snnctl.kernels.program import Program
from snnctl.kernels.scan import Call

TOGETHER = 16384  # neurons of samples that a thread steps at once, so that the weights are read for all of them


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

    The product takes the weight rows of the neurons that fired, or all of them where many did; the sums are the same.
    So it is on the way back, where all gradients count, and for the gradient of W.

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
    if bias is not None:
        x = x + bias.to(torch.float32).view(x.shape[2:])
    states = [getattr(state, name) for name in program.states]
    values = [getattr(coefs, name) for name in program.coefs]
    plan = plan_for(program, x, [before, weight, *states], values, storage=storage, feedback=True)
    shape = tuple(x.shape[2:])
    call = Call(plan, Layout(x.shape[0], x.shape[1], shape, tuple(range(len(shape))), False), CPU)
    if plan.training:
        out, *after = _RecurrentScan.apply(call, x, before, weight, *states, *values)
    else:
        out, after, _ = call.forward(x.detach(), states, values, _feedback(call.layout, weight.t(), before))
    return out, state._replace(**dict(zip(program.states, after, strict=True)))


class _RecurrentScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, call: Call, x: Tensor, before: Tensor, weight: Tensor, *rest):
        n = len(call.plan.program.states)
        out, after, kept = call.forward(x, rest[:n], rest[n:], _feedback(call.layout, weight.t(), before))
        ctx.call = call
        autograd.keep(ctx, call.plan, (out, *after), (before, weight, out, *kept), rest[n:])
        return (out, *after)

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def backward(ctx, d_out, *d_after):
        (before, weight, out, *saved), values = autograd.kept(ctx)
        call = ctx.call
        nothing = torch.zeros_like(before, dtype=torch.float32)
        feedback = _feedback(call.layout, weight, nothing)
        d_x, d_states, d_coefs = call.backward(None, saved, d_out, d_after, values, feedback)
        d_before = d_weight = None
        if ctx.needs_input_grad[2]:
            d_before = torch.mm(d_x[0].flatten(1), weight.to(torch.float32)).view_as(before)
        if ctx.needs_input_grad[3]:
            d_weight = weight_gradient(out, before, d_x, call.plan.program.binary).to(weight.dtype)
        return None, d_x, d_before, d_weight, *d_states, *d_coefs


def _feedback(layout: Layout, weight: Tensor, first: Tensor) -> dict[str, Any]:
    """What the kernel is told: values of the step beside come back times `weight` (N, N), those of the first one."""
    n = layout.neurons
    share = -(-layout.batch // (4 * torch.get_num_threads())) * 4  # four samples at once are multiplied fastest
    rows = min(max(16, TOGETHER // n // 4 * 4), share)
    packed = torch.from_numpy(pack(weight.detach().to(torch.float32).numpy()))
    return {"N": n, "W": packed, "FIRST": layout.state(first), "MULTIPLY": multiply(), "block": rows * n}


def weight_gradient(out: Tensor, before: Tensor, d_x: Tensor, ones: bool) -> Tensor:
    """dW[i, j] = sum over t, b of d_x[t, b, i] out[t-1, b, j].

    Args:
        out: (T, B, *shape), and before: out[-1]. d_x: gradient of the currents, as out; contiguous.
        ones: whether `out` holds zeros and ones alone.

    Returns:
        (N, N). The same bits with any number of threads: each owns columns.
    """
    rows = torch.mm(before.to(torch.float32).flatten(1).t(), d_x[0].flatten(1))
    return outer_sum(out[:-1].flatten(2).flatten(0, 1), d_x[1:].flatten(2).flatten(0, 1), ones, rows).t()
