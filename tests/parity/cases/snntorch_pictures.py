"""snnTorch's plots: the spikes of a raster and the lines of its traces, beside ours, by what is drawn."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.parity.drawn import dots, lines, ordinates, pairs, potentials, spikes
from tests.parity.frameworks import without
from tests.parity.parity import Inputs, Parity, Traces


def _spikeplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    return without("pandas", "snntorch.spikeplot")  # of its functions, spike_count alone uses it


def _raster(given: Inputs) -> Traces:
    plot = _spikeplot()
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots()
    marks = plot.raster(given["layer"], axis)
    plt.close(figure)
    return pairs("layer", marks.get_offsets())


def _traces(given: Inputs, dim: tuple[int, int]) -> Traces:
    plot = _spikeplot()
    from matplotlib import pyplot as plt

    figure = plt.figure()
    plot.traces(given["v"], dim=dim)
    plt.close(figure)
    return {f"v_{n}": ordinates(axis.lines[0]) for n, axis in enumerate(figure.axes)}


def _given(dim: tuple[int, int]) -> Inputs:
    return {"v": potentials(50, dim[0] * dim[1])}


CASES = [
    *(
        Parity("snntorch.spikeplot.raster", "pictures=raster", setting, given, _raster, dots)
        for setting, given in {
            "30 steps": lambda: {"layer": spikes(30, 12)},  # drawn as lines over their steps
            "90 steps": lambda: {"layer": spikes(90, 12)},  # drawn as marks
            "one neuron": lambda: {"layer": spikes(90)},
        }.items()
    ),
    *(
        Parity("snntorch.spikeplot.traces", "pictures=trace", f"dim={dim}", partial(_given, dim),
               partial(_traces, dim=dim), lines)
        for dim in ((2, 2), (1, 3), (1, 1))
    ),
]  # fmt: skip
