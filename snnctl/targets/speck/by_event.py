"""The chip's own way, event after event: without steps, and slower."""

from __future__ import annotations

import zlib

import numba
import numpy as np
import torch
from torch import Tensor

from snnctl.circuits import INPUT
from snnctl.targets.speck.integers import Layer
from snnctl.targets.speck.model import SpeckModel, check_events
from snnctl.targets.target import Traces

Events = np.ndarray  # (events, 4): channel, row, column, and the number of the input's event that caused it


def run(model: SpeckModel, x: Tensor, seed: int) -> Traces:
    """Spikes counted at each step, each event alone: a core adds its weight to every neuron that it reaches,

        v = v + w,   one spike and v = v - threshold (or 0) where v >= threshold,   v = max(v, low)

    and the next core gets a spike before the input's next event. Biases come at the beginning of a step.

    Args:
        model: its layers and integers.
        x: (T, B, *input), numbers of events.
        seed: of the order in which a step's events come, with the sample's own events: whoever is in the batch.

    Raises:
        UserError: x holds what is no number of events.

    Source: the order of an update, and that a neuron fires once for an event: SynSense, "Troubleshooting and tips",
    section "Weight clipping", https://sinabs.readthedocs.io/en/main/speck/faqs/tips_for_training.html
    """
    check_events(x)
    counts = x.detach().cpu().numpy().astype(np.int64)
    steps, batch = counts.shape[:2]
    spikes = {a.name: np.zeros((steps, batch, *a.convolution.outputs), dtype=np.float32) for a in model.layers}
    cores = [_Core(layer) for layer in model.layers]
    first = _input_map(model)
    for b in range(batch):
        draw = np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(counts[:, b]).tobytes())])
        for core in cores:
            core.v[:] = 0
        for t in range(steps):
            sent = {INPUT: _shuffled(counts[t, b].reshape(first), draw)}
            for core in cores:
                sent[core.layer.name] = events = core.take(sent)
                np.add.at(spikes[core.layer.name][t, b], tuple(events[:, :3].T), 1)
    whole = {a.name: torch.from_numpy(spikes[a.name]).view(steps, batch, *a.shape) for a in model.layers}
    return Traces(whole[model.output].reshape(steps, batch, *model.shapes[1]), whole)


def _input_map(model: SpeckModel) -> tuple[int, int, int]:
    return next(source.map for layer in model.layers for source in layer.sources if source.name == INPUT)


def _shuffled(counts: np.ndarray, draw: np.random.Generator) -> Events:
    """Every event of a step, in an order drawn at random."""
    there = np.argwhere(counts > 0)
    events = np.repeat(there, counts[tuple(there.T)], 0)
    return np.column_stack([events[draw.permutation(len(events))], np.arange(len(events))])


class _Core:
    """A layer's weights as they are read, (c, row, column, f), and its membranes (height, width, f)."""

    def __init__(self, layer: Layer):
        self.layer, conv = layer, layer.convolution
        f, height, width = conv.outputs
        self.weight = np.ascontiguousarray(conv.weight.permute(1, 2, 3, 0).numpy())
        self.bias = None if conv.bias is None else conv.bias.numpy()
        self.v = np.zeros((height, width, f))  # whole numbers, which float64 holds exactly

    def take(self, sent: dict[str, Events]) -> Events:
        """The spikes that the sources' events cause, in order."""
        layer, conv = self.layer, self.layer.convolution
        given = []
        for source in layer.sources:
            events = sent[source.name].copy()
            events[:, 1:3] //= source.pool
            inside = (events[:, 1] < conv.source[1]) & (events[:, 2] < conv.source[2])  # no rest behind the last window
            given.append(events[inside])
        events = np.concatenate(given)
        if len(given) > 1:
            events = events[np.argsort(events[:, 3], kind="stable")]
        ticked = self._tick()
        out = _convolve(
            events,
            self.weight,
            conv.stride,
            conv.padding,
            float(layer.threshold),
            float(layer.low),
            layer.to_zero,
            self.v,
        )
        return np.concatenate([ticked, out])

    def _tick(self) -> Events:
        """The slow clock adds the biases; a neuron that then reaches the threshold fires."""
        if self.bias is None:
            return np.empty((0, 4), dtype=np.int64)
        v, layer = self.v, self.layer
        v += self.bias
        fired = v >= layer.threshold
        v[fired] = 0 if layer.to_zero else v[fired] - layer.threshold
        np.maximum(v, layer.low, out=v)
        rows, columns, channels = np.nonzero(fired)
        return np.column_stack([channels, rows, columns, np.full(len(rows), -1)])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _convolve(events, weight, stride, padding, threshold, low, to_zero, v):
    """One event after the other: v is changed in place, and the spikes come back in order, (n, 4)."""
    height, width, features = v.shape
    kernel = weight.shape[1]
    out = np.empty((256, 4), dtype=np.int64)
    n = 0
    for e in range(len(events)):
        c, y, x, cause = events[e, 0], events[e, 1], events[e, 2], events[e, 3]
        for i in range(kernel):
            row = y + padding - i
            if row < 0 or row % stride or row // stride >= height:
                continue
            row //= stride
            for j in range(kernel):
                column = x + padding - j
                if column < 0 or column % stride or column // stride >= width:
                    continue
                column //= stride
                state, added, firing = v[row, column], weight[c, i, j], 0
                for f in range(features):  # without a branch, so that several run at once
                    after = state[f] + added[f]
                    firing += after >= threshold
                    state[f] = after if after > low else low
                if firing == 0:
                    continue
                if n + firing > len(out):
                    longer = np.empty((2 * len(out) + firing, 4), dtype=np.int64)
                    longer[:n] = out[:n]
                    out = longer
                for f in range(features):
                    if state[f] >= threshold:
                        state[f] = 0.0 if to_zero else state[f] - threshold
                        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = f, row, column, cause
                        n += 1
    return out[:n]
