"""Decay by bit shift: the shift nearest to a decay factor, and what it costs."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


def shift(decay: Array, lowest: int, highest: int) -> Array:
    """n, whole, at which 1 - 2^-n is nearest to a decay factor: n = -log2(1 - decay), rounded.

    Args:
        decay: what is left of a value after one step, 0 to 1.
        lowest, highest: range of n.
    """
    return np.clip(np.rint(_exact(decay)), lowest, highest).astype(np.int64)


def left(n: Array) -> Array:
    """1 - 2^-n, what a shift of n leaves of a large value."""
    return 1 - np.exp2(-np.asarray(n, float))


def beyond(decay: Array, highest: int) -> Array:
    """Whether a decay is slower than the largest shift."""
    return np.rint(_exact(decay)) > highest


def note(name: str, parameter: str, decay: Array, n: Array, dt: float) -> str | None:
    """One line on the time constant that changed most: asked, got, error in percent; None where none did.

    Args:
        name: layer. parameter: such as "tau_mem".
        decay: asked, one a neuron. n: its shift.
        dt: step width, s.
    """
    asked, got = _tau(decay, dt), _tau(left(n), dt)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(asked == got, 0.0, got / asked - 1)
    worst = int(np.argmax(np.abs(error)))
    if abs(error[worst]) < 1e-4:
        return None
    several = " (the worst of the layer)" if np.ptp(decay) else ""
    shown = f"{got[worst] * 1e3:.4g} ms (shift {n[worst]}, {100 * error[worst]:+.1f} %)"
    return f"{name}: {parameter} acts as {asked[worst] * 1e3:.4g} ms and becomes {shown}{several}"


def shortest(decay: str, dt: float) -> float:
    """The least time constant, s, whose nearest shift is 1, by the rule "exact", "euler" or "bitshift"."""
    least = 1 - 2**-0.5
    return -dt / math.log(least) if decay == "exact" else dt / (1 - least)


def _exact(decay: Array) -> Array:
    with np.errstate(divide="ignore"):
        return -np.log2(1 - np.clip(decay, 0.0, 1.0))


def _tau(decay: Array, dt: float) -> Array:
    """The time constant, s, of an exponential of which a step leaves `decay`."""
    with np.errstate(divide="ignore"):
        return -dt / np.log(np.clip(decay, 0.0, 1.0))
