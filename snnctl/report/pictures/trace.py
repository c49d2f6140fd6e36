"""States of single neurons over time, their spikes above them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnctl.report.pictures.sample import Sample, liveliest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEURONS = 4  # of each layer


def draw(sample: Sample) -> Figure:
    """A row of panels for each layer, one for each of the neurons that move most: all its recorded states."""
    from matplotlib.figure import Figure

    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, values in sample.states().items():
        layer, _, field = name.rpartition("/")
        panel = (layer or "input") + ("  gradient" if field.startswith("grad") else "")  # of another size
        layers.setdefault(panel, {})[field] = values
    spikes = {name: a.reshape(sample.steps, -1) for name, a in sample.values.items() if name.endswith("/spikes")}
    figure = Figure(figsize=(12, 0.8 + 2.1 * len(layers)), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(len(layers), NEURONS, sharex=True, squeeze=False)
    for row, (layer, states) in zip(axes, layers.items(), strict=True):
        first = next(iter(states.values()))
        moving = liveliest(first, NEURONS)
        for axis in row[len(moving) :]:
            axis.set_axis_off()
        for axis, neuron in zip(row, moving, strict=False):
            lines = [axis.plot(sample.ms, a[:, neuron], linewidth=1, label=field)[0] for field, a in states.items()]
            axis.set_title(f"{layer}  neuron {neuron}", fontsize=8)
            axis.tick_params(labelsize=7)
            fired = spikes.get(f"{layer}/spikes")
            if fired is not None:
                low, high = axis.get_ylim()
                axis.set_ylim(low, high + 0.15 * (high - low))
                at = sample.ms[fired[:, neuron] != 0]
                axis.plot(at, np.full(len(at), high + 0.08 * (high - low)), "|", color="black", markersize=6)
        row[0].legend(handles=lines, fontsize=7, loc="lower left", framealpha=0.6)
    for axis in axes[-1]:
        axis.set_xlabel("ms", fontsize=8)
    return figure
