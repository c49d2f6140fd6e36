"""A sample as a moving picture: events and spikes in space, and the outputs as they add up."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from snnctl.report.pictures.heat import colours
from snnctl.report.pictures.sample import Sample, flat, is_events

PANELS = 4  # moving images at most
FRAMES = 120  # at most: steps of a longer sample are taken together
SECONDS = 6.0  # that it lasts, about


def draw(sample: Sample) -> bytes:
    """A GIF: the input and the layers over time, and bars of the last layer: spikes so far, or its value now.

    Maps are shown summed over their channels, an input of two polarities as on minus off, other layers as a square.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    together = -(-sample.steps // FRAMES)
    films = [(n, _frames(_spatial(a, n), together, is_events(n, a))) for n, a in _shown(sample)]
    name, bars = _outputs(sample, together)
    figure = Figure(figsize=(2.8 * len(films) + 3.6, 3.4), layout="constrained")
    axes = figure.subplots(1, len(films) + 1, width_ratios=[1] * len(films) + [1.3])
    images = [_image(axis, film, title) for axis, (title, film) in zip(axes, films, strict=False)]
    drawn = axes[-1].barh(np.arange(bars.shape[1]), bars[0], color="tab:blue")
    low, high = min(float(bars.min()), 0.0), max(float(bars.max()), 0.0)
    axes[-1].set_xlim(low, high if high > low else low + 1)
    axes[-1].set_title(name, fontsize=9)
    axes[-1].tick_params(labelsize=8)
    if len(sample.classes) == bars.shape[1] <= 30:
        axes[-1].set_yticks(np.arange(bars.shape[1]), sample.classes, fontsize=8)
    axes[-1].invert_yaxis()
    canvas, frames = FigureCanvasAgg(figure), []
    head = figure.suptitle(sample.title, fontsize=10)
    for k in range(len(bars)):
        for image, (_, film) in zip(images, films, strict=True):
            image.set_data(film[k])
        best = int(bars[k].argmax())
        for i, (bar, value) in enumerate(zip(drawn, bars[k], strict=True)):
            bar.set_width(value)
            bar.set_color("tab:orange" if i == best and value > 0 else "tab:blue")
        head.set_text(f"{sample.title}   {k * together * sample.dt * 1e3:6.1f} ms")
        canvas.draw()
        if k == 0:
            figure.set_layout_engine("none")  # the same places in every frame
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(64))
    film = BytesIO()
    frames[0].save(film, format="GIF", save_all=True, append_images=frames[1:], loop=0,
                   duration=max(20, int(1e3 * SECONDS / len(frames))))  # fmt: skip
    return film.getvalue()


def _shown(sample: Sample) -> list[tuple[str, np.ndarray]]:
    """The input and the first layers' spikes; states where there are no spikes."""
    spikes = [(n, a) for n, a in sample.values.items() if n.endswith("/spikes")]
    others = [(n, a) for n, a in sample.values.items() if n != "input" and "/grad" not in n]
    return [("input", sample.values["input"]), *(spikes or others)][:PANELS]


def _spatial(values: np.ndarray, name: str) -> np.ndarray:
    """(T, ...) -> (T, H, W)."""
    if values.ndim == 4:
        return values[:, 1] - values[:, 0] if name == "input" and values.shape[1] == 2 else values.sum(1)
    values = flat(values)
    wide = int(np.ceil(np.sqrt(values.shape[1])))
    high = -(-values.shape[1] // wide)
    padded = np.zeros((len(values), high * wide), dtype=values.dtype)
    padded[:, : values.shape[1]] = values
    return padded.reshape(len(values), high, wide)


def _frames(values: np.ndarray, together: int, events: bool) -> np.ndarray:
    """(T, ...) -> (frames, ...): events are summed, values averaged."""
    starts = np.arange(0, len(values), together)
    summed = np.add.reduceat(values, starts, axis=0)
    if events:
        return summed
    sizes = np.diff([*starts, len(values)]).reshape(-1, *[1] * (values.ndim - 1))
    return summed / sizes


def _outputs(sample: Sample, together: int) -> tuple[str, np.ndarray]:
    """What the bars are, and their lengths (frames, N), of the last layer."""
    plain = [(n, a) for n, a in sample.values.items() if "/grad" not in n]
    name, values = plain[-1]
    layer = name.rpartition("/")[0] or name
    spikes = sample.values.get(f"{layer}/spikes")
    if spikes is not None:
        name, values = f"{layer}: spikes so far", np.cumsum(flat(spikes), axis=0)
    values = flat(values)
    ends = np.minimum(np.arange(0, len(values), together) + together, len(values)) - 1
    return name, values[ends]


def _image(axis: Any, film: np.ndarray, title: str) -> Any:
    axis.set_title(title.removesuffix("/spikes"), fontsize=9)
    axis.set_axis_off()
    return axis.imshow(film[0], interpolation="nearest", **colours(film))
