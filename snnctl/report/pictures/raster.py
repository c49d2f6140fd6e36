"""When which neuron fired, how often each did, and how many did at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnctl.report.pictures.sample import Sample, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 40  # steps up to which a spike is as wide as its step


def draw(sample: Sample) -> Figure:
    """For each layer: a dot a spike; at the right each neuron's spikes a second, below the spikes of each step."""
    from matplotlib.figure import Figure

    layers = sample.spikes()
    figure = Figure(figsize=(10, 0.8 + 2.6 * len(layers)), layout="constrained")
    figure.suptitle(sample.title)
    grid = figure.add_gridspec(2 * len(layers), 2, width_ratios=(5, 1), height_ratios=[3, 1] * len(layers))
    for row, (name, spikes) in enumerate(layers.items()):
        raster = figure.add_subplot(grid[2 * row, 0])
        rates = figure.add_subplot(grid[2 * row, 1], sharey=raster)
        counts = figure.add_subplot(grid[2 * row + 1, 0], sharex=raster)
        dots(raster, sample, spikes)
        raster.set_ylabel(f"{label(name)}\nneuron", fontsize=8)
        raster.tick_params(labelbottom=False)
        rate = spikes.sum(0) / (sample.steps * sample.dt)
        rates.fill_betweenx(np.arange(len(rate)), rate, step="mid", color="0.4")
        rates.set_xlim(0)
        rates.tick_params(labelleft=False)
        rates.set_xlabel("Hz", fontsize=8)
        counts.bar(sample.ms, spikes.sum(1), width=sample.dt * 1e3, align="edge", color="0.4")
        counts.set_ylabel("a step", fontsize=8)
        counts.set_xlabel("ms", fontsize=8)
    return figure


def dots(axis: Any, sample: Sample, spikes: np.ndarray) -> None:
    """Mark the spikes (T, N) of a layer: over their step where steps are few, else by a tick, the taller the fewer."""
    step, neuron = np.nonzero(spikes)
    ms, neurons = sample.dt * 1e3, spikes.shape[1]
    if sample.steps <= WIDE:
        axis.hlines(neuron, step * ms, (step + 0.9) * ms, color="black", linewidth=np.clip(120 / neurons, 0.15, 3))
    else:
        size = np.clip(400 / neurons, 0.6, 60)
        axis.scatter((step + 0.5) * ms, neuron, s=size, marker="|", color="black", linewidths=0.8)
    axis.set_xlim(0, sample.steps * sample.dt * 1e3)
    axis.set_ylim(-1, spikes.shape[1])
