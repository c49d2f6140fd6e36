"""Outer products of what neurons heard and what it did to them, summed over time, for each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.kernels import threads

# Share of inputs that are not 0 where torch's dense product takes as long; at 2 % it takes 1.6 x as long (Zen 5).
CROSSOVER = 0.2


def pays(s: Tensor) -> bool:
    """Whether so few inputs (T, B, M) are not 0 that the sum over them alone is sooner; every eighth step is asked."""
    looked_at = s[::8]
    compiled = s.device.type == "cpu" and s.dtype in (torch.float32, torch.float64)
    return compiled and torch.count_nonzero(looked_at).item() <= CROSSOVER * looked_at.numel()


def advance(
    out: Tensor, gains: Sequence[Tensor | None], old: Tensor | None, d: Tensor, s: Tensor, sparse: bool
) -> None:
    """out[b] = sum_f gains[f][b] old[f, b] + sum_t s[t, b] d[t, b]^T.

    Args:
        out: (B, M, N), filled. gains: (B, N) for each field f, of each column; None: 0.
        old: (F, B, M, N); None: 0. d: (T, B, N). s: (T, B, M), of the dtype of out.
        sparse: over the inputs alone that are not 0; whether it `pays`.
    """
    d, s = (value.detach().to(out.dtype).contiguous() for value in (d, s))
    used = [] if old is None else [f for f, gain in enumerate(gains) if gain is not None]
    if not sparse:
        torch.bmm(s.permute(1, 2, 0), d.transpose(0, 1), out=out)
        for f in used:
            out.addcmul_(gains[f].to(out.dtype)[:, None], old[f])
        return
    given = torch.stack([gains[f].to(out.dtype) for f in used]) if used else out.new_empty(0, len(out), out.shape[2])
    arrays = [value.numpy() for value in (out, given, out[None] if old is None else old, d, s)]
    which = np.array(used, np.int64)
    threads.run(lambda first, stop: _advance(*arrays, which, first, stop), len(out), out.numel() * (1 + len(used)))


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(out, gains, old, d, s, used, first, stop):
    """Samples first to stop - 1; gains[k] are of old[used[k]]."""
    steps, inputs, neurons = len(d), out.shape[1], out.shape[2]
    for b in range(first, stop):
        for m in range(inputs):
            row = out[b, m]
            row[:] = 0
            for k in range(len(used)):
                gain, before = gains[k, b], old[used[k], b, m]
                for n in range(neurons):
                    row[n] += gain[n] * before[n]
        for t in range(steps):
            told = d[t, b]
            for m in range(inputs):
                heard = s[t, b, m]
                if heard != 0:
                    row = out[b, m]
                    for n in range(neurons):
                        row[n] += heard * told[n]


def weighed(adjoint: Tensor, field: Tensor) -> Tensor:
    """sum_b adjoint[b, n] field[b, m, n]: (B, N), (B, M, N) -> (N, M)."""
    total = torch.zeros_like(field[0])
    for a, e in zip(adjoint.to(field.dtype), field, strict=True):
        total.addcmul_(e, a)
    return total.t()
