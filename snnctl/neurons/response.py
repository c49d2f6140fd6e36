"""Response kernels: the shape of a postsynaptic potential over time, and of what follows a spike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Response = Literal["exponential", "alpha", "alpha_peak", "laplacian", "rectangular", "triangular"]


def taps(tau: float | Tensor, dt: float, window: float) -> Tensor:
    """The times 0, dt, 2 dt ... below window, s, in tau's precision and where it is."""
    tensor = isinstance(tau, Tensor)
    dtype, device = (tau.dtype, tau.device) if tensor else (torch.get_default_dtype(), None)
    return torch.arange(max(1, round(window / dt)), dtype=dtype, device=device) * dt


def response(kind: Response, tau: float | Tensor, dt: float, window: float) -> Tensor:
    """A response kernel at 0, dt, 2 dt ..., a step at a time (multiplied by dt where its integral is the unit).

        exponential   dt / tau exp(-t / tau)             laplacian     dt / (2 tau) exp(-t / tau)
        alpha         dt t / tau^2 exp(-t / tau)         rectangular   dt / (2 tau) for t < 2 tau
        alpha_peak    t / tau exp(1 - t / tau)           triangular    dt / tau max(0, 1 - t / tau)

    Args:
        kind: the shape. alpha_peak is alpha with a peak of 1 at tau (SLAYER's).
        tau: time constant, s.
        dt: step width, s.
        window: where it is cut off, s.

    Returns:
        (W,), W = window / dt rounded.

    Source: W. Gerstner et al., "Neuronal Dynamics" (2014), doi:10.1017/CBO9781107447615, section 6.4.
    """
    t = taps(tau, dt, window)
    share = dt / tau
    shapes: dict[str, Callable[[], Tensor]] = {
        "exponential": lambda: share * torch.exp(-t / tau),
        "alpha": lambda: share * (t / tau) * torch.exp(-t / tau),
        "alpha_peak": lambda: (t / tau) * torch.exp(1 - t / tau),
        "laplacian": lambda: share / 2 * torch.exp(-t / tau),
        "rectangular": lambda: share / 2 * (t < 2 * tau),
        "triangular": lambda: share * (1 - t / tau).clamp(min=0),
    }
    return shapes[kind]()
