"""A fading response, the same for all neurons, led back through time: one way through the steps."""

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.kernels import threads

BLOCK = 1024  # neurons whose sums stay in a first-level cache


def led_back(delta: Tensor, q: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """out[s] = delta[s] + sum over t > s of q A^(t - s - 1) b delta[t]: T steps of S^2 products a neuron, not T^2 / 2.

    Args:
        delta: (T, ...) float32 or float64 on the CPU. q, b: (S,). a: (S, S).

    Returns:
        as delta, contiguous.
    """
    x = delta.detach().contiguous()
    out = torch.empty_like(x)
    if not x.numel():
        return out
    rows, filled = (tensor.view(len(x), -1).numpy() for tensor in (x, out))
    q, a, b = (value.to(x.dtype).numpy() for value in (q, a, b))
    threads.run(lambda first, stop: _led_back(rows, q, a, b, filled, first, stop), rows.shape[1], x.numel())
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _led_back(delta, q, a, b, out, first, stop):
    """Columns first to stop - 1 of out (T, columns); `sums` (S, BLOCK): over t > s of q A^(t - s - 1) delta[t]."""
    states = len(q)
    sums, before = np.empty((states, BLOCK), delta.dtype), np.empty((states, BLOCK), delta.dtype)
    for start in range(first, stop, BLOCK):
        width = min(BLOCK, stop - start)
        sums[:, :] = 0
        for t in range(len(delta) - 1, -1, -1):
            here, there = delta[t, start : start + width], out[t, start : start + width]
            there[:] = here
            for i in range(states):
                for n in range(width):
                    there[n] += sums[i, n] * b[i]
            before[:, :width] = sums[:, :width]
            for j in range(states):
                for n in range(width):
                    sums[j, n] = here[n] * q[j]
                for i in range(states):
                    for n in range(width):
                        sums[j, n] += before[i, n] * a[i, j]
