"""What a picture of ours shows, read from what it drew: in steps and neurons, not in the ms of its axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from snnctl.report.pictures import heat, histogram, maps, raster, trace
from snnctl.report.pictures.sample import Sample
from tests.parity.parity import Inputs, Parity, Traces

DT = 1e-3  # of the pictures, s


def proofs(api: str, ours: str, theirs: Callable, mine: Callable, **settings: Callable[[], Inputs]) -> list[Parity]:
    """One for each setting, whose name is the keyword with blanks."""
    return [Parity(api, ours, name.replace("_", " "), given, theirs, mine) for name, given in settings.items()]


def spikes(steps: int, *shape: int, rate: float = 0.2, seed: int = 0) -> Tensor:
    """(T, ...) of 0 and 1."""
    return (torch.rand(steps, *shape, generator=torch.Generator().manual_seed(seed)) < rate).float()


def potentials(steps: int, *shape: int, seed: int = 1) -> Tensor:
    """(T, ...) of both signs, each neuron wandering by its own."""
    return torch.randn(steps, *shape, generator=torch.Generator().manual_seed(seed)).cumsum(0) / 5


def sample(values: Mapping[str, Tensor]) -> Sample:
    """What evaluation recorded: {"<layer>/<field>": (T, ...)}."""
    return Sample({name: v.numpy() for name, v in values.items()}, DT)


def dots(given: Inputs) -> Traces:
    """Step and neuron of each spike in a raster, by layer; given {layer: (T, ...)}."""
    figure = raster.draw(sample({f"{layer}/spikes": v for layer, v in given.items()}))
    found = {}
    for layer, axis in zip(given, figure.axes[::3], strict=True):  # raster, rates, counts of each layer
        marks = axis.collections[0]
        if isinstance(marks, LineCollection):  # a line from the beginning of the step
            at = np.array([line[0] for line in marks.get_segments()])
        else:  # a mark in the middle of it
            at = np.asarray(marks.get_offsets()) - [DT * 1e3 / 2, 0]
        found[f"step_{layer}"] = torch.from_numpy(at[:, 0] / (DT * 1e3))
        found[f"neuron_{layer}"] = torch.from_numpy(at[:, 1].copy())
    return found


def heat_map(given: Inputs) -> Traces:
    """The image (N, T) of a heat map of one recorded array; given {field: (T, ...)}."""
    figure = heat.draw(sample({f"layer/{field}": v for field, v in given.items()}))
    return {"image": image(figure)}


def lines(given: Inputs) -> Traces:
    """Lines of a trace picture, (T,) each, in its order; given {field: (T, N)}, N of at most the neurons it shows."""
    assert all(v.shape[1] <= trace.NEURONS for v in given.values())
    figure = trace.draw(sample({f"layer/{field}": v for field, v in given.items()}))
    panels = [axis for axis in figure.axes if axis.lines]
    return {f"{field}_{n}": ordinates(axis.lines[k]) for n, axis in enumerate(panels) for k, field in enumerate(given)}


def bars(given: Inputs) -> Traces:
    """Edges (left) and counts of a histogram of one recorded array; given {field: (T, ...)}."""
    figure = histogram.draw(sample({f"layer/{field}": v for field, v in given.items()}))
    return rectangles(figure)


def feature_maps(given: Inputs) -> Traces:
    """The mosaic of a layer's maps, 0 between them; given {field: (T, C, H, W)}."""
    figure = maps.draw(sample({f"layer/{field}": v for field, v in given.items()}))
    return {"image": torch.from_numpy(figure.axes[0].images[0].get_array().filled(0).astype(np.float32))}


def image(figure: Figure, panel: int = 0) -> Tensor:
    """The array of an image on one of a figure's axes."""
    return torch.from_numpy(np.asarray(figure.axes[panel].images[0].get_array()).astype(np.float32))


def ordinates(line: object) -> Tensor:
    return torch.from_numpy(np.asarray(line.get_ydata()).astype(np.float32))


def rectangles(figure: Figure) -> Traces:
    """Left edge and height of each bar on a figure's first axes."""
    patches = figure.axes[0].patches
    return {
        "edge": torch.tensor([p.get_x() for p in patches]),
        "count": torch.tensor([p.get_height() for p in patches]),
    }


def pairs(layer: str, at: np.ndarray | Sequence) -> Traces:
    """Offsets (n, 2) of a scatter of steps and neurons, as `dots` gives ours."""
    at = torch.as_tensor(np.asarray(at), dtype=torch.float64)
    return {f"step_{layer}": at[:, 0].clone(), f"neuron_{layer}": at[:, 1].clone()}
