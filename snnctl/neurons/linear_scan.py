"""A linear recurrence over all steps at once: an associative scan in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 32  # steps of a block
WIDE = 4096  # values a step from which one step keeps a CPU busy; then blocks would only read memory twice


def linear_scan(x: Tensor, decay: Tensor, v: Tensor) -> Tensor:
    """v[t] = decay[t] v[t-1] + x[t] for every t, in about log T operations on long tensors instead of T on short ones
    (a wide one on a CPU goes step by step).

    Affine maps after each other are an affine map, so the steps may be bracketed at will: blocks of steps run side by
    side as if each began at 0, the ends of the blocks are joined by a scan of their own, and what each block began with
    is added, decayed. Nothing is divided by a product of decays: it is as accurate as stepping. The gradient is the
    same scan backwards, and keeps v and the decays only.

    Args:
        x: input (T, B, ...), real or complex, T >= 1.
        decay: broadcasts against one step (B, ...), the same at every step; or, with as many dimensions as x,
            (T, ...), one a step.
        v: before the first step, (B, ...).

    Returns:
        v after each step, (T, B, ...); it differs from a loop over the steps by rounding.

    Source: G. E. Blelloch, "Prefix sums and their applications", CMU-CS-90-190 (1990); for recurrent networks: E.
    Martin, C. Cundy, "Parallelizing linear recurrent neural nets over sequence length", ICLR 2018, arXiv:1709.04057.
    """
    return _Scan.apply(x, decay, v)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, decay: Tensor, v: Tensor) -> Tensor:
        return _solve(x, decay, v.expand_as(x[0]))

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        _, decay, v = inputs
        ctx.save_for_backward(decay, v, output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor):
        decay, v, after = ctx.saved_tensors
        each = decay.dim() == after.dim()
        # carried[t] = grad[t] + conj(decay[t+1]) carried[t+1]: the scan again, from the last step to the first
        turned = torch.cat([decay[:1], decay[1:].flip(0)]) if each else decay
        carried = _solve(grad.flip(0), turned.conj().resolve_conj(), torch.zeros_like(grad[0])).flip(0)
        d_decay = d_v = None
        if ctx.needs_input_grad[1]:
            before = torch.cat([v.expand_as(after[0])[None], after[:-1]])
            d_decay = (carried * before.conj()).sum_to_size(decay.shape if each else (1, *_padded(decay, after)))
            d_decay = d_decay.reshape(decay.shape)
        if ctx.needs_input_grad[2]:
            d_v = (carried[0] * (decay[0] if each else decay).conj()).sum_to_size(v.shape)
        return carried, d_decay, d_v


def _padded(decay: Tensor, x: Tensor) -> tuple[int, ...]:
    """The shape of a decay of all steps with as many dimensions as one step of x."""
    return (*(1 for _ in range(x.dim() - 1 - decay.dim())), *decay.shape)


def _solve(x: Tensor, decay: Tensor, v: Tensor) -> Tensor:
    steps, each = len(x), decay.dim() == x.dim()
    y = torch.empty_like(x)
    narrow = x[0].numel() < WIDE or x.device.type != "cpu"
    whole = steps // BLOCK * BLOCK if steps > BLOCK and narrow else 0
    if whole:
        shape = (whole // BLOCK, BLOCK)
        inside, out = x[:whole].unflatten(0, shape), y[:whole].unflatten(0, shape)
        factor = decay[:whole].unflatten(0, shape) if each else decay.expand(1, BLOCK, *_padded(decay, x))
        out[:, 0] = inside[:, 0]
        for k in range(1, BLOCK):
            torch.addcmul(inside[:, k], factor[:, k], out[:, k - 1], out=out[:, k])
        product = factor.cumprod(1)
        ends = _solve(out[:, -1].contiguous(), product[:, -1] if each else product[0, -1], v)
        out.addcmul_(product, torch.cat([v[None], ends[:-1]]).unsqueeze(1))
        v = ends[-1]
    for t in range(whole, steps):
        v = torch.addcmul(x[t], decay[t] if each else decay, v, out=y[t])
    return y
