"""Feature maps: what each channel of a layer in space gave, summed over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnctl.errors import UserError
from snnctl.report.mosaic import mosaic
from snnctl.report.pictures.heat import colours
from snnctl.report.pictures.sample import Sample, is_events

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 32  # channels of a layer


def draw(sample: Sample) -> Figure:
    """A row for each recorded array of maps (T, C, H, W): spikes summed over time, other values averaged.

    Raises:
        UserError: no recorded layer has maps.
    """
    from matplotlib.figure import Figure

    layers = {n: a for n, a in sample.values.items() if a.ndim == 4}
    if not layers:
        raise UserError("no recorded layer has maps (channels, height, width)", "draw   pictures=[raster,heat]")
    maps = {n: a.sum(0) if is_events(n, a) else a.mean(0) for n, a in layers.items()}
    images = {n: mosaic(m[:MOST], columns=8 if m.shape[2] >= 24 else 16) for n, m in maps.items()}
    heights = [9 * image.shape[0] / image.shape[1] + 0.5 for image in images.values()]
    figure = Figure(figsize=(10, 0.4 + sum(heights)), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(len(maps), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (name, tiles) in zip(axes, images.items(), strict=True):
        shown = axis.imshow(tiles, interpolation="nearest", **colours(tiles[np.isfinite(tiles)]))
        shape = maps[name].shape
        what = "events" if is_events(name, layers[name]) else "mean over time"
        count = f"{MOST} of {shape[0]}" if shape[0] > MOST else f"{shape[0]}"
        axis.set_title(f"{name}: {what}, {count} channels of {shape[1]}x{shape[2]}", fontsize=9, loc="left")
        axis.set_axis_off()
        figure.colorbar(shown, ax=axis, pad=0.01).ax.tick_params(labelsize=7)
    return figure
