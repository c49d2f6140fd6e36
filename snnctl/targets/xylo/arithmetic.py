"""What a Xylo core computes: int8 weights, int16 states, decay by bit shift, several spikes a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnctl.targets.xylo.specification import Specification

LOWEST, HIGHEST = -(2**15), 2**15 - 1  # int16


class Recording(NamedTuple):
    """What the core did at every step."""

    spikes: Tensor  # of hidden neurons (T, B, N) int32
    out: Tensor  # spikes of output neurons (T, B, O) int32
    v_out: Tensor  # membrane of output neurons after their spikes (T, B, O) int32
    peak: Tensor  # largest |i| or |v| that each hidden neuron came to (N,) int32
    peak_out: Tensor  # the same of output neurons (O,) int32


class Spikes(NamedTuple):
    """The most spikes in a step that the core counts."""

    input: int = 15
    hidden: int = 31
    output: int = 1


COUNTED = Spikes()


class _Neurons(NamedTuple):
    """Parameters of one kind of neuron, one each, int32."""

    dash_syn: Tensor  # (S, N), shifts of the currents
    dash_mem: Tensor  # (N,)
    threshold: Tensor  # (N,)
    bias: Tensor  # (N,)
    most: int  # spikes a step


class _Synapses(NamedTuple):
    """Weights of one source, split by sign so that a sum says whether it could have saturated on its way."""

    parts: Tensor  # (sources, 2 S N) float32: first what is above 0, then what is below
    shift: int  # of every weight to the left
    shape: tuple[int, int]  # (S, N)


def run(spec: Specification, x: Tensor, most: Spikes = COUNTED) -> Recording:
    """Run the core from rest. In a step t, with n_k the spikes of source k,

        i += 2^shift w_k n_k                   input k = 0, 1, ... first, then hidden neurons' spikes of step t - 1
        i -= sign(i) max(|i >> dash_syn|, 1)
        v += (i + i2 - sign(v) max(|v >> dash_mem|, 1)) + bias
        while v >= threshold, up to `most` times: a spike, v -= threshold

    where >> rounds down, i2 is the current of a second synapse, and sums saturate at int16: after every source, after
    the inner brackets, after the bias and after v. Output neurons take the hidden spikes of step t - 1 too.

    Args:
        spec: the core's integers.
        x: input spikes (T, B, inputs), whole numbers; the core counts at most `most.input` of them.
        most: spikes a step.

    Source: H. Bos, D. R. Muir, "Sub-mW neuromorphic SNN audio processing applications with Rockpool and Xylo" (2022),
    arXiv:2208.12991; order and rounding measured on the package xylosim 0.1.3, with which it agrees on every state.
    """
    steps, batch = x.shape[:2]
    n, outputs = spec.hidden, spec.outputs
    counts = x.to(torch.float32).clamp(0, most.input)
    hidden, output = _hidden(spec, most.hidden), _output(spec, most.output)
    entering = _synapses(spec.weights_in, n, spec.weight_shift_in)
    recurrent = _synapses(spec.weights_rec, n, spec.weight_shift_rec)
    rows = np.zeros((n, outputs, 1), np.int8)
    rows[n - len(spec.weights_out) :, :, 0] = spec.weights_out  # of the last hidden neurons
    leaving = _synapses(rows, outputs, spec.weight_shift_out)

    i = torch.zeros(batch, *entering.shape, dtype=torch.int32)
    v = torch.zeros(batch, n, dtype=torch.int32)
    i_out = torch.zeros(batch, 1, outputs, dtype=torch.int32)
    v_out = torch.zeros(batch, outputs, dtype=torch.int32)
    s = torch.zeros(batch, n, dtype=torch.int32)
    peak, peak_out = torch.zeros(n, dtype=torch.int32), torch.zeros(outputs, dtype=torch.int32)
    spikes = torch.empty(steps, batch, n, dtype=torch.int32)
    out = torch.empty(steps, batch, outputs, dtype=torch.int32)
    potential = torch.empty(steps, batch, outputs, dtype=torch.int32)
    for t in range(steps):
        before = s.to(torch.float32)
        i = _arrive(i, [(counts[t], entering), (before, recurrent)])
        i_out = _arrive(i_out, [(before, leaving)])
        i, v, s, peak = _update(i, v, hidden, peak)
        i_out, v_out, out[t], peak_out = _update(i_out, v_out, output, peak_out)
        spikes[t], potential[t] = s, v_out
    return Recording(spikes, out, potential, peak, peak_out)


def _decay(value: Tensor, dash: Tensor) -> Tensor:
    """-sign(value) max(|value >> dash|, 1)"""
    return -torch.sign(value) * (value >> dash).abs().clamp(min=1)


def _update(i: Tensor, v: Tensor, neurons: _Neurons, peak: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Decay, integrate and fire: i (B, S, N), v (B, N) -> both, the spikes (B, N) and the new peak (N,)."""
    i = i + _decay(i, neurons.dash_syn)
    leak = _decay(v, neurons.dash_mem)
    leak = torch.where(leak > HIGHEST, LOWEST, leak)  # -(-32768) in int16
    change = (i.sum(1, dtype=torch.int32) + leak).clamp(LOWEST, HIGHEST)
    change = (change + neurons.bias).clamp(LOWEST, HIGHEST)
    v = (v + change).clamp(LOWEST, HIGHEST)
    reached = torch.maximum(v.abs(), i.abs().amax(1)).amax(0) if len(v) else peak
    fits = torch.div(v, neurons.threshold.clamp(min=1), rounding_mode="floor").clamp(0, neurons.most)
    # A threshold of 0 or below is never left by subtracting it.
    s = torch.where(neurons.threshold > 0, fits, (v >= neurons.threshold) * neurons.most).to(torch.int32)
    return i, (v - s * neurons.threshold).clamp(LOWEST, HIGHEST), s, torch.maximum(peak, reached)


def _arrive(i: Tensor, sources: list[tuple[Tensor, _Synapses]]) -> Tensor:
    """Add counts (B, sources) times weights to i (B, S, N), saturating after every source."""
    higher, lower = i, i
    for counts, synapses in sources:
        above, below = (counts @ synapses.parts).to(torch.int32).chunk(2, 1)
        higher = higher + (above << synapses.shift).view(i.shape)
        lower = lower + (below << synapses.shift).view(i.shape)
    reached = ((higher > HIGHEST) | (lower < LOWEST)).flatten(1).any(1)
    total = higher + lower - i
    if not reached.any():
        return total
    some = i[reached]
    for counts, synapses in sources:
        parts = synapses.parts.to(torch.int32).view(-1, 2, *synapses.shape)
        weights = (parts[:, 0] + parts[:, 1]) << synapses.shift
        for n, w in zip(counts[reached].to(torch.int32).T, weights, strict=True):
            some = (some + n[:, None, None] * w).clamp(LOWEST, HIGHEST)
    total[reached] = some
    return total


def _synapses(weights: np.ndarray, targets: int, shift: int) -> _Synapses:
    """Weights (sources, the first of the targets, S)."""
    w = torch.as_tensor(weights, dtype=torch.float32).transpose(1, 2)
    w = torch.nn.functional.pad(w, (0, targets - w.shape[2]))
    shape = (w.shape[1], targets)
    flat = w.reshape(len(w), -1)
    return _Synapses(torch.cat([flat.clamp(min=0), flat.clamp(max=0)], 1), shift, shape)


def _hidden(spec: Specification, most: int) -> _Neurons:
    dashes = [spec.dash_syn, spec.dash_syn_2][: spec.weights_in.shape[2]]
    return _Neurons(*map(_int, (dashes, spec.dash_mem, spec.threshold, spec.bias_hidden)), most)


def _output(spec: Specification, most: int) -> _Neurons:
    return _Neurons(*map(_int, ([spec.dash_syn_out], spec.dash_mem_out, spec.threshold_out, spec.bias_out)), most)


def _int(values: np.ndarray | list[np.ndarray]) -> Tensor:
    return torch.as_tensor(np.array(values, np.int32))
