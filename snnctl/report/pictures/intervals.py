"""Times between spikes: their histogram and how regular they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from snnctl.metrics.trains import interval_cv, intervals, local_variation
from snnctl.report.pictures.sample import Sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(sample: Sample) -> Figure:
    """For each layer the intervals of all its neurons, with the mean coefficient of variation and local variation."""
    from matplotlib.figure import Figure

    layers = sample.spikes()
    figure = Figure(figsize=(9, 0.8 + 2.0 * len(layers)), layout="constrained")
    figure.suptitle(sample.title)
    axes = figure.subplots(len(layers), 1, squeeze=False)[:, 0]
    for axis, (name, spikes) in zip(axes, layers.items(), strict=True):
        fired = torch.from_numpy(np.ascontiguousarray(spikes))
        ms = intervals(fired)[1].numpy() * sample.dt * 1e3
        width = sample.dt * 1e3
        axis.hist(ms, bins=(np.arange(1, sample.steps + 1) - 0.5) * width, color="0.4")
        facts = [f"{len(ms)} intervals"]
        facts += [f"median {np.median(ms):.3g} ms"] if len(ms) else []
        regularity = {"CV": interval_cv(fired).nanmean(), "LV": local_variation(fired).nanmean()}
        facts += [f"{kind} {value:.2f}" for kind, value in regularity.items() if not value.isnan()]
        axis.set_title(f"{name}: {', '.join(facts)}", fontsize=9)
        axis.set_ylabel("intervals", fontsize=8)
    axes[-1].set_xlabel("ms")
    return figure
