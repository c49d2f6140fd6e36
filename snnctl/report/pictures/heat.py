"""Every neuron over time as a row of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnctl.report.pictures.sample import Sample, flat, label

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(sample: Sample) -> Figure:
    """A map for each recorded array: neurons up, time to the right; white is 0 where values have both signs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.8 + 2.0 * len(sample.values)), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(len(sample.values), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, values) in zip(axes, sample.values.items(), strict=True):
        values = flat(values)
        extent = (0, sample.steps * sample.dt * 1e3, -0.5, values.shape[1] - 0.5)
        shown = axis.imshow(values.T, aspect="auto", origin="lower", extent=extent, interpolation="nearest",
                            **colours(values))  # fmt: skip
        axis.set_ylabel(f"{label(name)}\nneuron", fontsize=8)
        figure.colorbar(shown, ax=axis, pad=0.01).ax.tick_params(labelsize=7)
    axes[-1].set_xlabel("ms")
    return figure


def colours(values: np.ndarray) -> dict[str, Any]:
    """Arguments of imshow: a symmetric scale for both signs, else one from 0; the outermost 0.2 % are clipped."""
    low, high = (float(q) for q in np.nanquantile(values, [0.001, 0.999]))
    if low < 0:
        most = max(-low, high)
        return {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    return {"cmap": "magma", "vmin": 0, "vmax": high if high > 0 else max(float(np.nanmax(values)), 1e-12)}
