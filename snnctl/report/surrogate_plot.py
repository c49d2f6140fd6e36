"""A surrogate's gradient as a picture: in characters for the terminal, or in a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from snnctl import atomic
from snnctl.errors import UserError
from snnctl.surrogates import Surrogate

SPANS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # half of the x axis, unit of v: the first that holds nearly all of it
WIDEST = 3.0
FORMATS = ("png", "svg", "pdf")
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of a Braille character, row by row


def drawing(surrogate: Surrogate, columns: int = 60, rows: int = 9, braille: bool = True) -> str:
    """The derivative over x = v - threshold, as lines of text.

    Args:
        surrogate: whose derivative.
        columns: characters across, without the numbers at the left.
        rows: characters up.
        braille: eight dots a character; False draws with `*` alone.
    """
    down, across = (4, 2) if braille else (1, 1)
    x, y = curve(surrogate, 4 * columns * across + 1)
    low, high = min(float(y.min()), 0.0), max(float(y.max()), 0.0)
    high = high if high > low else low + 1
    height = rows * down - 1
    dots = np.zeros((rows * down, columns * across), dtype=bool)
    levels = np.rint((high - y) / (high - low) * height).astype(int)
    places = np.minimum(np.arange(len(x)) * dots.shape[1] // len(x), dots.shape[1] - 1)
    for before, level, place in zip([levels[0], *levels[:-1]], levels, places, strict=True):
        dots[min(before, level) : max(before, level) + 1, place] = True
    cells = dots.reshape(rows, down, columns, across)
    if braille:
        lines = ["".join(map(chr, 0x2800 + (cells[r] * DOTS[:, None]).sum((0, 2)))) for r in range(rows)]
    else:
        lines = ["".join("*" if dot else " " for dot in cells[r].any((0, 2))) for r in range(rows)]
    zero = round(high / (high - low) * (rows - 1))
    marks = {0: f"{high:.3g}", rows - 1: f"{low:.3g}", zero: "0"}
    width = max(map(len, marks.values()))
    drawn = [f"{marks.get(r, ''):>{width}} |{line}".rstrip("\u2800 ") for r, line in enumerate(lines)]
    middle = columns // 2
    axis = f"{x[0]:g}".ljust(middle) + "0" + f"{x[-1]:g}".rjust(columns - middle - 1)
    return "\n".join([f"{'':{width}} ds/dx", *drawn, f"{'':{width}}  {axis}   x = v - threshold"])


def picture(surrogate: Surrogate, path: Path, title: str) -> None:
    """Write the derivative, the smooth step that it is the derivative of, and the spike.

    Args:
        surrogate: what is drawn.
        path: the file; its suffix says what it is.
        title: the head line.

    Raises:
        UserError: another suffix than png, svg or pdf.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise UserError(f"cannot draw {path.name}", f"choose from    {', '.join(f'.{name}' for name in FORMATS)}")
    from matplotlib.figure import Figure

    x, slope = curve(surrogate, 1201)
    step = surrogate.primitive(torch.from_numpy(x)).numpy()
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    axis.set_title(f"{title}\n{surrogate!r}", fontsize=9)
    axis.plot(x, slope, color="tab:blue", label="ds/dx, used backward")
    axis.plot(x, step, color="tab:orange", linewidth=1, label="the step with that derivative")
    axis.plot(x, x >= 0, color="0.6", linewidth=1, linestyle="--", label="s, the spike forward")
    axis.set_xlabel("x = v - threshold")
    axis.legend(fontsize=8)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=suffix, dpi=120)
    atomic.write(path, lambda file: file.write(drawn.getvalue()))


def curve(surrogate: Surrogate, points: int) -> tuple[np.ndarray, np.ndarray]:
    """x and ds/dx (points,) over the part of the axis where the gradient is."""
    x = torch.linspace(-WIDEST, WIDEST, 12001, dtype=torch.float64)
    size = surrogate.derivative(x).abs()
    span = next((s for s in SPANS if size[x.abs() > s].max() < 0.05 * size.max()), WIDEST)
    x = torch.linspace(-span, span, points, dtype=torch.float64)
    return x.numpy(), surrogate.derivative(x).numpy()
