"""How values are distributed: states over neurons and steps, firing rates over neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.report.pictures.sample import Sample, flat, is_events

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3


def draw(sample: Sample) -> Figure:
    """A histogram for each recorded array; the count axis is logarithmic."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    rows = -(-len(sample.values) // COLUMNS)
    figure = Figure(figsize=(11, 0.8 + 2.4 * rows), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axis in axes[len(sample.values) :]:
        axis.set_axis_off()
    for axis, (name, values) in zip(axes, sample.values.items(), strict=False):
        events = is_events(name, values)
        shown = flat(values).sum(0) / (sample.steps * sample.dt) if events else values.ravel()
        axis.hist(shown, bins=40, color="0.4")
        axis.set_yscale("log")
        axis.tick_params(labelsize=7)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("spikes a second" if events else f"mean {shown.mean():.3g}, std {shown.std():.3g}", fontsize=8)
        axis.set_ylabel("neurons" if events else "neurons x steps", fontsize=8)
    return figure
