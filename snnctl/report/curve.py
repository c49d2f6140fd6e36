"""One figure of runs over another, such as accuracy over synaptic operations: what a sweep has traded."""

from __future__ import annotations

import statistics
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 10  # largest over smallest value from which an axis is logarithmic


class Point(NamedTuple):
    """A run on the curve.

    Args:
        x, y: its two figures.
        name: what its settings are called.
        settings: equal for runs that differ in nothing but the seed.
    """

    x: float
    y: float
    name: str
    settings: Hashable


def curve(points: Sequence[Point], x: str, y: str, title: str = "") -> Figure:
    """A dot for each run, and a line through the means of the seeds, in the order of x.

    Args:
        points: one or more.
        x, y: what the axes show.
        title: head line.
    """
    from matplotlib.figure import Figure

    groups = means(points)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axis = figure.subplots()
    axis.set_title(title, fontsize=9)
    axis.plot([p.x for p in groups], [p.y for p in groups], color="tab:blue", linewidth=1, marker="o", markersize=5)
    axis.scatter([p.x for p in points], [p.y for p in points], color="0.5", s=9, zorder=3)
    for p in groups:
        axis.annotate(p.name, (p.x, p.y), xytext=(4, -10), textcoords="offset points", fontsize=7)
    low, high = min(p.x for p in points), max(p.x for p in points)
    if low > 0 and high / low >= WIDE:
        axis.set_xscale("log")
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(color="0.9")
    return figure


def means(points: Sequence[Point]) -> list[Point]:
    """The mean of the runs of each setting, by rising x; its name is that of the first of them."""
    groups: dict[Hashable, list[Point]] = {}
    for p in points:
        groups.setdefault(p.settings, []).append(p)
    found = [
        Point(statistics.fmean(p.x for p in g), statistics.fmean(p.y for p in g), g[0].name, settings)
        for settings, g in groups.items()
    ]
    return sorted(found, key=lambda p: p.x)
