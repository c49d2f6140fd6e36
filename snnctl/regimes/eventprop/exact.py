"""One layer of neurons in continuous time, as a function of spike times with their exact gradient."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnctl.errors import RunFailed
from snnctl.kernels.crossings import adjoint, kernel, spikes
from snnctl.neurons import LI, CubaLIF

MOST = 100  # spikes a neuron and step, on the average of a batch; more is a network that runs away


class Spikes(NamedTuple):
    """The spikes of a layer, sample after sample, ascending in time.

    Args:
        times: (S,) float64, s, with their gradient.
        neurons: (S,) int64.
        offsets: (B + 1,) int64, where a sample's spikes begin.
    """

    times: Tensor
    neurons: Tensor
    offsets: Tensor


class Constants(NamedTuple):
    """Of dv/dt = -v / tau_mem + gain i,   di/dt = -i / tau_syn;   v to v_reset where it reaches the threshold."""

    tau_mem: float  # s
    tau_syn: float  # s
    gain: float  # unit of v / s for a current of 1
    threshold: float  # unit of v
    v_reset: float  # unit of v


def constants(neuron: CubaLIF | LI, dt: float) -> Constants:
    """The continuous neuron whose membrane, where it does not fire, has the values of the neuron's steps.

    gain = g / kernel(dt): an input of 1 at the beginning of a step leads to v = g at its end, g = input_gain.
    """
    gain = neuron.coefficients(dt).gain
    gain = (1.0 if gain is None else float(gain)) / kernel(dt, neuron.tau_mem, neuron.tau_syn)
    if not isinstance(neuron, CubaLIF):
        return Constants(neuron.tau_mem, neuron.tau_syn, gain, math.inf, 0.0)
    v_reset = neuron.v_reset if neuron.reset == "value" else 0.0
    return Constants(neuron.tau_mem, neuron.tau_syn, gain, neuron.threshold, v_reset)


def fire(
    grid: Tensor, before: Spikes | None, weight: Tensor | None, of: Constants, dt: float, least: float = 0.0
) -> Spikes:
    """The spikes of a layer.

    Args:
        grid: (T, B, N), added to the currents at the times 0, dt, 2 dt ...
        before: spikes that come in; None: none.
        weight: (N, M), of the neurons that they come from.
        of: the neurons' constants.
        dt: s.
        least: slope of v at a spike below which its gradient is that of this slope, unit of v / s.

    Raises:
        RunFailed: more than 100 spikes a neuron and step.
    """
    times, _, neurons, offsets = _Layer.apply(grid, *_incoming(grid, before, weight), of, dt, least, False)
    return Spikes(times, neurons, offsets)


def integrate(grid: Tensor, before: Spikes | None, weight: Tensor | None, of: Constants, dt: float) -> Tensor:
    """The membranes of a layer that does not fire, at the times dt, 2 dt ...: (T, B, N); arguments as of `fire`."""
    of = of._replace(threshold=math.inf)
    return _Layer.apply(grid, *_incoming(grid, before, weight), of, dt, 0.0, True)[1]


def first_times(found: Spikes, shape: tuple[int, int], silent: Tensor) -> Tensor:
    """Time of each neuron's first spike (B, N), s.

    Args:
        found: of a layer.
        shape: (B, N).
        silent: (B,), s, the time of a neuron without a spike, and the latest one.
    """
    batch, width = shape
    count = found.offsets[1:] - found.offsets[:-1]
    cell = torch.repeat_interleave(torch.arange(batch, device=count.device), count) * width + found.neurons
    none = len(cell)
    at = torch.full((batch * width,), none, device=cell.device)
    at = at.scatter_reduce(0, cell, torch.arange(none, device=cell.device), "amin").view(batch, width)
    latest = silent.double()[:, None].expand(batch, width)
    times = torch.cat([found.times, found.times.new_zeros(1)])[at]
    return torch.where(at < none, torch.minimum(times, latest), latest)


def _incoming(grid: Tensor, before: Spikes | None, weight: Tensor | None) -> tuple[Tensor, ...]:
    if before is not None:
        return before.times, before.neurons, before.offsets, weight
    nothing = torch.zeros(0, dtype=torch.int64)
    return nothing.double(), nothing, torch.zeros(grid.shape[1] + 1, dtype=torch.int64), grid.new_zeros(0, 0)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grid, times, sources, offsets, weight, of: Constants, dt: float, least: float, silent: bool):
        steps, batch, width = grid.shape
        given = _array(grid.transpose(0, 1), torch.float64)
        w = _array(weight.t(), torch.float64).reshape(-1, width)
        inputs = [_array(t, t.dtype) for t in (times, sources, offsets)]
        samples = np.empty((batch, steps, width) if silent else (0, 0, 0))
        ends, capacity = np.zeros(batch + 1, np.int64), batch * width * 2 + 1024
        while True:
            found, neurons, currents = np.empty(capacity), np.empty(capacity, np.int64), np.empty(capacity)
            if spikes(given, dt, *inputs, w, tuple(of), samples, found, neurons, currents, ends):
                break
            if capacity > MOST * batch * steps * width:
                raise RunFailed(
                    f"EventProp: a layer of {width} neurons fires more than {MOST} times a neuron and step",
                    "lower          optimizer.lr, or regime.init_rates=[0.02,0.2]",
                )
            capacity *= 4
        found, neurons, currents = (a[: ends[-1]].copy() for a in (found, neurons, currents))
        ctx.kept = inputs, w, found, neurons, currents, ends
        ctx.options = of, dt, least, (batch, steps, width), silent
        ctx.dtypes = grid.dtype, weight.dtype, grid.device
        out = torch.from_numpy(samples).transpose(0, 1).to(grid)
        given_back = torch.from_numpy(found), out, torch.from_numpy(neurons), torch.from_numpy(ends)
        ctx.mark_non_differentiable(given_back[0] if silent else given_back[1], *given_back[2:])
        return given_back

    @staticmethod
    def backward(ctx: Any, to_found, to_samples, *_):
        inputs, w, *own = ctx.kept
        of, dt, least, shape, silent = ctx.options
        grid_dtype, weight_dtype, device = ctx.dtypes
        to_samples = _array(to_samples.transpose(0, 1), torch.float64) if silent else np.empty((0, 0, 0))
        to_found = np.zeros(len(own[0])) if silent else _array(to_found, torch.float64)
        to_grid, to_times, to_weight = np.empty(shape), np.empty(len(inputs[0])), np.zeros(w.shape)
        adjoint(dt, *inputs, w, tuple(of), least, *own, to_found, to_samples, to_grid, to_times, to_weight)
        back = torch.from_numpy(to_grid).transpose(0, 1).to(device, grid_dtype)
        weights = torch.from_numpy(to_weight).t().to(device, weight_dtype)
        return back, torch.from_numpy(to_times), None, None, weights if w.size else None, *[None] * 4


def _array(x: Tensor, dtype: torch.dtype) -> np.ndarray:
    return x.detach().to("cpu", dtype).contiguous().numpy()
