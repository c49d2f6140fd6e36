"""Recordings before any network: their figures and pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnctl import atomic
from snnctl.errors import UserError

if TYPE_CHECKING:
    from snnctl.datasets.recording import Recording
    from snnctl.datasets.source import Source

READ = 200  # recordings that are looked at


class Figures(NamedTuple):
    """count: recordings read. rows: (what, least, median, most)."""

    count: int
    rows: list[tuple[Any, ...]]


def describe(source: Source, parts: dict[str, np.ndarray]) -> Figures:
    """Durations, events and rates of up to `READ` recordings, spread evenly over all parts.

    Recordings that cannot be read are counted and left out.

    Args:
        source: where they are.
        parts: part -> labels (n,), as the source gives them.
    """
    every = [(part, i) for part, labels in parts.items() for i in range(len(labels))]
    chosen = every if len(every) <= READ else [every[i] for i in np.linspace(0, len(every) - 1, READ).astype(int)]
    durations, counts, rates, spans = [], [], [], []
    damaged = 0
    for part, i in chosen:
        try:
            recording = source.read(part, i)
        except UserError:
            damaged += 1
            continue
        if recording.events is not None:
            seconds = (recording.stop - recording.start) / 1e6
            counts.append(len(recording.events))
            rates.append(len(recording.events) / seconds if seconds else 0.0)
        else:
            seconds = len(recording.values) * recording.period
            spans.append((float(recording.values.min()), float(recording.values.max())))
        durations.append(seconds)
    rows = [("duration, s", *_three(durations))]
    if counts:
        rows += [("events", *_three(counts)), ("events a second", *_three(rates))]
    if spans:
        rows += [
            ("least value", *_three([low for low, _ in spans])),
            ("largest value", *_three([high for _, high in spans])),
        ]
    if damaged:
        rows.append(("cannot be read", "", damaged, ""))
    return Figures(len(durations), rows)


def _three(values: list[float]) -> tuple[float, float, float]:
    if not values:
        return (0.0, 0.0, 0.0)
    return float(np.min(values)), float(np.median(values)), float(np.max(values))


def draw(source: Source, out: Path, samples: int) -> None:
    """Write a PNG: each sample's values summed over time, and what happened when.

    Raises:
        UserError: there is no sample, or one cannot be read.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    part, labels = next(iter(source.parts().items()))
    if not len(labels):
        raise UserError(f"{source.name} holds no samples", "see   snnctl data info")
    chosen = _one_of_each(labels, samples)
    figure = Figure(figsize=(2.6 * len(chosen), 5.0), layout="constrained")
    axes = figure.subplots(2, len(chosen), squeeze=False)
    for column, i in enumerate(chosen):
        recording = source.read(part, i)
        above, below = axes[0, column], axes[1, column]
        above.set_title(f"{source.classes[int(labels[i])]}", fontsize=10)
        (_events if recording.events is not None else _values)(above, below, recording, tuple(source.shape))
        below.set_xlabel("s")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    atomic.write(Path(out), lambda file: file.write(picture.getvalue()))


def _one_of_each(labels: np.ndarray, samples: int) -> list[int]:
    """The first sample of each class in turn, then the second ones."""
    order = {label: list(np.flatnonzero(labels == label)) for label in np.unique(labels)}
    chosen: list[int] = []
    while len(chosen) < min(samples, len(labels)):
        for left in order.values():
            if left and len(chosen) < samples:
                chosen.append(int(left.pop(0)))
    return chosen


def _events(above: Any, below: Any, recording: Recording, shape: tuple[int, ...]) -> None:
    events = recording.events
    seconds = (events["t"] - recording.start) / 1e6
    if len(shape) == 3:
        count = np.zeros(shape[-2:])
        np.add.at(count, (events["y"], events["x"]), 1)
        above.imshow(
            count, cmap="magma", vmax=max(np.quantile(count, 0.995), 1)
        )  # a hot pixel must not darken the rest
        above.set_xticks([])
        above.set_yticks([])
        below.set_ylabel("row")
        where = events["y"]
    else:
        above.hist(events["x"], bins=min(shape[-1], 100), range=(0, shape[-1]), orientation="horizontal", color="0.3")
        above.set_xlabel("events")
        above.set_ylabel("channel")
        below.set_ylabel("channel")
        where = events["x"]
    on = events["p"] > 0
    for chosen, colour in ((~on, "tab:blue"), (on, "tab:red")):
        below.plot(seconds[chosen], where[chosen], ",", color=colour)
    below.set_xlim(0, (recording.stop - recording.start) / 1e6)
    if len(shape) == 3:
        below.invert_yaxis()


def _values(above: Any, below: Any, recording: Recording, shape: tuple[int, ...]) -> None:
    values = recording.values
    if len(shape) == 3:
        above.imshow(values.mean(0).transpose(1, 2, 0).squeeze(), cmap="gray")
        above.set_xticks([])
        above.set_yticks([])
    else:
        above.plot(values.mean(0).ravel(), np.arange(values[0].size), color="0.3")
        above.set_ylabel("channel")
    seconds = np.arange(len(values)) * recording.period
    rows = values.reshape(len(values), -1)
    if len(values) > 1:
        below.imshow(
            rows.T, aspect="auto", origin="lower", extent=(0, seconds[-1] + recording.period, 0, rows.shape[1])
        )
        below.set_ylabel("channel")
    else:
        below.hist(rows.ravel(), bins=32, color="0.3")
        below.set_ylabel("pixels")
