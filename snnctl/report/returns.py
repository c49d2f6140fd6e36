"""The reward curve of a run: returns of its training and validation episodes over the updates."""

from __future__ import annotations

from pathlib import Path

from snnctl import atomic
from snnctl.report.pictures import png


def draw(rows: list[dict[str, float]], path: Path) -> bool:
    """Write the curve of a metrics.csv as a PNG.

    Args:
        rows: of metrics.csv.
        path: of the picture.

    Returns:
        Whether there was anything to draw.
    """
    from matplotlib.figure import Figure

    curves = {
        stage: [(row["step"] + 1, row[f"{stage}/return"]) for row in rows if f"{stage}/return" in row]
        for stage in ("train", "val")
    }
    if not any(curves.values()):
        return False
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axis = figure.subplots()
    for stage, points in curves.items():
        if points:
            axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=f"{stage}/return")
    axis.set_xlabel("updates")
    axis.set_ylabel("return of an episode")
    axis.grid(alpha=0.3)
    axis.legend()
    drawn = png(figure, dpi=120)
    atomic.write(path, lambda file: file.write(drawn))
    return True
