"""The chip's own way, event after event: slow, and without steps. What the model in steps is held against."""

from __future__ import annotations

import numpy as np

from snnctl.targets.speck.integers import Layer
from snnctl.targets.speck.model import SpeckModel

Events = np.ndarray  # (events, 3) channel, row, column


def run(model: SpeckModel, x: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Spikes of each layer of a chain, counted at each step (T, B, f, height, width).

    A core adds an event's weight to a neuron, which fires once if it then reaches the threshold; the next core gets that
    spike before the next event. Within a step the input's events come in an order drawn with the seed.
    """
    draw = np.random.default_rng(seed)
    steps, batch = x.shape[:2]
    counts = {a.name: np.zeros((steps, batch, *a.convolution.outputs), dtype=int) for a in model.layers}
    for b in range(batch):
        states = [np.zeros(a.convolution.outputs, dtype=int) for a in model.layers]
        for t in range(steps):
            there = np.argwhere(x[t, b] > 0)
            events = np.repeat(there, x[t, b][tuple(there.T)].astype(int), 0)
            draw.shuffle(events)
            for layer, v in zip(model.layers, states, strict=True):
                events = _core(layer, v, events)
                np.add.at(counts[layer.name][t, b], tuple(events.T), 1)
    return counts


def _core(layer: Layer, v: np.ndarray, events: Events) -> Events:
    """The spikes that events cause, in order; v is changed in place."""
    conv, (source,) = layer.convolution, layer.sources
    weight = conv.weight.numpy().astype(int)
    out = []
    for c, row, column in events:
        y, x = row // source.pool + conv.padding, column // source.pool + conv.padding
        if row // source.pool >= conv.source[1] or column // source.pool >= conv.source[2]:
            continue  # the rest behind the last whole window
        for i in range(max(0, -(-(y - conv.kernel + 1) // conv.stride)), min(y // conv.stride + 1, v.shape[1])):
            for j in range(max(0, -(-(x - conv.kernel + 1) // conv.stride)), min(x // conv.stride + 1, v.shape[2])):
                after = v[:, i, j] + weight[:, c, y - i * conv.stride, x - j * conv.stride]
                fired = after >= layer.threshold
                after = np.where(fired, 0 if layer.to_zero else after - layer.threshold, after)
                v[:, i, j] = np.maximum(after, layer.low)
                out += [(f, i, j) for f in np.flatnonzero(fired)]
    return np.array(out, dtype=int).reshape(-1, 3)
