"""Everything that was recorded of one sample, one below the other: dots for spikes, lines for states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.report.pictures.raster import dots
from snnctl.report.pictures.sample import Sample, flat, is_events, label, liveliest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(sample: Sample) -> Figure:
    """A panel for each recorded array; of a state the ten neurons that move most."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.4 + 1.5 * len(sample.values)), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(len(sample.values), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, values) in zip(axes, sample.values.items(), strict=True):
        values = flat(values)
        axis.set_ylabel(label(name), rotation=0, ha="right", va="center", fontsize=8)
        if is_events(name, values):
            dots(axis, sample, values)
        else:
            axis.plot(sample.ms, values[:, liveliest(values, 10)], linewidth=0.8)
    axes[-1].set_xlabel("ms")
    return figure
