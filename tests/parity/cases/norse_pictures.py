"""Norse's plots: heat maps, spikes, histograms and states over time, beside ours, by what is drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from matplotlib.figure import Figure

from tests.parity.drawn import DT, bars, dots, heat_map, image, lines, ordinates, potentials, proofs, rectangles, spikes
from tests.parity.parity import Inputs, Traces


def _drawn(call: str, *args: Any, **options: Any) -> Figure:
    """The figure that a call of theirs leaves behind."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from norse.torch.utils.plot import plot

    figure = plt.figure()
    getattr(plot, call)(*args, **options)
    plt.close(figure)
    return figure


def _heat(given: Inputs) -> Traces:
    (values,) = given.values()
    return {"image": image(_drawn("plot_heatmap_2d", values.flatten(1)))}


def _spikes(given: Inputs) -> Traces:
    """Their image (N, T) of ones and zeros."""
    return {"spikes": image(_drawn("plot_spikes_2d", given["layer"].flatten(1)))}


def _dots(given: Inputs) -> Traces:
    """The same image of the marks in ours."""
    found = dots(given)
    shown = torch.zeros(given["layer"].flatten(1).T.shape)
    shown[found["neuron_layer"].round().long(), found["step_layer"].round().long()] = 1
    return {"spikes": shown}


def _histogram(given: Inputs) -> Traces:
    """Of as many bins as ours; of spikes, of each neuron's rate in Hz."""
    ((field, values),) = given.items()
    shown = values.flatten(1).sum(0) / (len(values) * DT) if field == "spikes" else values.flatten()
    return rectangles(_drawn("plot_histogram_2d", shown, bins=40))


def _states(given: Inputs) -> Traces:
    """A line a neuron of each variable, in the order of the variables."""
    neurons = len(next(iter(given.values())).T)
    axis = _drawn("plot_neuron_states", SimpleNamespace(**{n: v.numpy() for n, v in given.items()}), *given).axes[0]
    drawn = iter(axis.lines)
    return {f"{field}_{n}": ordinates(next(drawn)) for field in given for n in range(neurons)}


API = "norse.torch.utils.plot.plot"
CASES = [
    *proofs(f"{API}.plot_heatmap_2d", "pictures=heat", _heat, heat_map,
            membranes=lambda: {"v": potentials(50, 12)}, spikes=lambda: {"spikes": spikes(50, 12)},
            maps=lambda: {"v": potentials(50, 2, 3, 4)}),
    *proofs(f"{API}.plot_spikes_2d", "pictures=raster", _spikes, _dots,
            few_steps=lambda: {"layer": spikes(30, 12)}, many_steps=lambda: {"layer": spikes(90, 12, rate=0.05)},
            maps=lambda: {"layer": spikes(90, 2, 3, 4)}),
    *proofs(f"{API}.plot_histogram_2d", "pictures=histogram", _histogram, bars,
            membranes=lambda: {"v": potentials(50, 12)}, rates=lambda: {"spikes": spikes(50, 300)},
            maps=lambda: {"v": potentials(50, 2, 3, 4)}),
    *proofs(f"{API}.plot_neuron_states", "pictures=trace", _states, lines,
            v=lambda: {"v": potentials(50, 4)}, i=lambda: {"i": potentials(50, 3, seed=2)},
            v_and_i=lambda: {"v": potentials(50, 4), "i": potentials(50, 4, seed=2)}),
]  # fmt: skip
