"""Layers of current-based LIF neurons in continuous time: when they fire, and the adjoint equations backwards."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**FLAGS)
def kernel(s, mem, syn):
    """The membrane a time s after a unit of dv/dt = -v / mem + i came in as current: integral of i, leaked."""
    if mem == syn:
        return s * math.exp(-s / mem)
    return (math.exp(-s / syn) - math.exp(-s / mem)) / (1 / mem - 1 / syn)


@njit(**FLAGS)
def crossing(v, i, span, mem, syn, gain, threshold):
    """Time after which v rises through the threshold for the first time, s; -1 where it does not within `span`.

    v(s) = v exp(-s / mem) + gain i kernel(s) has one extremum: v rises up to it, if at all.
    """
    if i <= 0 or gain * i <= v / mem:
        return -1.0
    if mem == syn:
        top = mem - v / (gain * i)
    else:
        b = gain * i / (1 / mem - 1 / syn)
        ratio = (b - v) * syn / (b * mem)
        top = -math.log(ratio) / (1 / syn - 1 / mem) if ratio > 0 else math.inf
    high = min(top, span)
    if v * math.exp(-high / mem) + gain * i * kernel(high, mem, syn) < threshold:
        return -1.0
    low, s = 0.0, 0.5 * high
    for _ in range(200):  # Newton's rule, kept between two bounds
        k = kernel(s, mem, syn)
        value = v * math.exp(-s / mem) + gain * i * k
        if value < threshold:
            low = s
        else:
            high = s
        slope = -value / mem + gain * i * math.exp(-s / syn)
        following = s - (value - threshold) / slope if slope > 0 else -1.0
        if not low < following < high:
            following = 0.5 * (low + high)
        if following == s or high - low <= 1e-16 * high:
            break
        s = following
    return s


@njit(**FLAGS)
def spikes(grid, dt, times, sources, offsets, weight, constants, samples, found, neurons, currents, ends):
    """Run one layer over a batch, from event to event.

    Args:
        grid: (B, T, N) what is added to the currents at the times 0, dt, ..., float64.
        dt: s.
        times, sources: (E,) spikes that come in, ascending within a sample, s, and of which neuron.
        offsets: (B + 1,) where a sample's begin.
        weight: (sources, N), float64.
        constants: tau_mem, tau_syn (s), gain (unit of v / s for a current of 1), threshold, v_reset (unit of v).
        samples: (B, T, N), filled with v at the times dt, 2 dt, ...; or of size 0.
        found, neurons, currents: (capacity,) filled with the spikes' times, ascending within a sample, their neurons
            and the currents there.
        ends: (B + 1,) filled with where a sample's begin.

    Returns:
        Whether there was room for all.
    """
    mem, syn, gain, threshold, v_reset = constants
    batch, steps, width = grid.shape
    peak = mem if mem == syn else math.log(mem / syn) * mem * syn / (mem - syn)
    v, i = np.empty(width), np.empty(width)
    count = 0
    ends[0] = 0
    for b in range(batch):
        v[:] = 0
        i[:] = 0
        now, step, e = 0.0, 0, offsets[b]
        while True:
            at_grid = e == offsets[b + 1] or step * dt <= times[e]
            then = step * dt if at_grid else times[e]
            span = then - now
            if span > 0:
                left_v, left_i, moved = math.exp(-span / mem), math.exp(-span / syn), gain * kernel(span, mem, syn)
                most = gain * kernel(min(span, peak), mem, syn)
                for n in range(width):
                    if i[n] > 0 and max(v[n], 0.0) + most * i[n] >= threshold:
                        begin, rest = now, span
                        while True:
                            s = crossing(v[n], i[n], rest, mem, syn, gain, threshold)
                            if s < 0:
                                break
                            if count == found.size:
                                return False
                            begin, rest = begin + s, rest - s
                            v[n], i[n] = v_reset, i[n] * math.exp(-s / syn)
                            found[count], neurons[count], currents[count] = begin, n, i[n]
                            count += 1
                        v[n] = v[n] * math.exp(-rest / mem) + gain * kernel(rest, mem, syn) * i[n]
                        i[n] = i[n] * math.exp(-rest / syn)
                    else:
                        v[n] = left_v * v[n] + moved * i[n]
                        i[n] = left_i * i[n]
                now = then
            if at_grid:
                if step > 0 and samples.size:
                    samples[b, step - 1] = v
                if step == steps:
                    break
                i += grid[b, step]
                step += 1
            else:
                i += weight[sources[e]]
                e += 1
        order = np.argsort(found[ends[b] : count])
        found[ends[b] : count] = found[ends[b] : count][order]
        neurons[ends[b] : count] = neurons[ends[b] : count][order]
        currents[ends[b] : count] = currents[ends[b] : count][order]
        ends[b + 1] = count
    return True


@njit(**FLAGS)
def adjoint(
    dt, times, sources, offsets, weight, constants, least, found, neurons, currents, ends, to_found, to_samples,
    to_grid, to_times, to_weight,
):  # fmt: skip
    """The gradient of what `spikes` computed, by the adjoint equations, backwards from event to event:

        d lv/dt = lv / tau_mem,   d li/dt = li / tau_syn - gain lv                         between events
        lv- = (lv+ dv+/dt - g) / (dv-/dt)                                                   at a spike of its own
        dL/dweight = li,   dL/dt = sum over neurons of weight (li / tau_syn - gain lv)     at a spike that came in

    lv, li: dL/dv, dL/di. g: dL/dt of the spike. dv-/dt, dv+/dt: slopes of v before and after the reset.

    Args:
        least: slope below which dv-/dt counts as this, unit of v / s.
        to_found: (S,) g.
        to_samples: (B, T, N) or of size 0, the gradient that comes to the samples.
        to_grid: (B, T, N), to_times: (E,), to_weight: (sources, N), filled; the last must be 0 before.
        others: as of `spikes`.
    """
    mem, syn, gain, threshold, v_reset = constants
    batch, steps, width = to_grid.shape
    lv, li, since = np.empty(width), np.empty(width), np.empty(width)
    for b in range(batch):
        lv[:] = 0
        li[:] = 0
        step, e, own = steps, offsets[b + 1] - 1, ends[b + 1] - 1
        now = steps * dt
        since[:] = now
        while True:
            at_grid = e < offsets[b] or step * dt > times[e]
            then = step * dt if at_grid else times[e]
            while own >= ends[b] and found[own] > then:
                n = neurons[own]
                _back(lv, li, n, since[n] - found[own], mem, syn, gain)
                since[n] = found[own]
                rise = max(gain * currents[own] - threshold / mem, least)
                lv[n] = (lv[n] * (gain * currents[own] - v_reset / mem) - to_found[own]) / rise
                own -= 1
            span = now - then
            if span > 0:
                left_v, left_i, moved = math.exp(-span / mem), math.exp(-span / syn), gain * kernel(span, mem, syn)
                for n in range(width):
                    if since[n] == now:
                        li[n] = left_i * li[n] + moved * lv[n]
                        lv[n] = left_v * lv[n]
                    else:
                        _back(lv, li, n, since[n] - then, mem, syn, gain)
                    since[n] = then
                now = then
            if at_grid:
                if step < steps:
                    to_grid[b, step] = li
                if step > 0 and to_samples.size:
                    lv += to_samples[b, step - 1]
                if step == 0:
                    break
                step -= 1
            else:
                shift = 0.0
                for n in range(width):
                    shift += weight[sources[e], n] * (li[n] / syn - gain * lv[n])
                    to_weight[sources[e], n] += li[n]
                to_times[e] = shift
                e -= 1


@njit(**FLAGS)
def _back(lv, li, n, span, mem, syn, gain):
    li[n] = math.exp(-span / syn) * li[n] + gain * kernel(span, mem, syn) * lv[n]
    lv[n] = math.exp(-span / mem) * lv[n]
