"""SpikingJelly's plots: spikes, heat maps, one neuron, feature maps, beside ours, by what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.parity.drawn import dots, feature_maps, heat_map, image, lines, ordinates, pairs, potentials, proofs, spikes
from tests.parity.parity import Inputs, Traces


def _visualizing() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from spikingjelly import visualizing

    return visualizing


def _spikes(given: Inputs) -> Traces:
    """They draw neuron by neuron; here by steps, as ours."""
    _, axis = _visualizing().plot_1d_spikes(given["layer"].flatten(1), "", "", "")
    at = [(step, n) for n, marks in enumerate(axis.collections) for step in marks.get_positions()]
    return pairs("layer", sorted(at))


def _heat(given: Inputs) -> Traces:
    (values,) = given.values()
    return {"image": image(_visualizing().plot_2d_heatmap(values.flatten(1), "", "", "")[0])}


def _one_neuron(given: Inputs) -> Traces:
    v = given["v"][:, 0]
    _, axis, _ = _visualizing().plot_one_neuron_v_s(v, torch.zeros_like(v))
    return {"v_0": ordinates(axis.lines[0])}


def _maps(given: Inputs) -> Traces:
    """Of what ours shows: spikes summed, other values averaged; their frames are filled with the largest value."""
    ((field, values),) = given.items()
    shown = values.sum(0) if field == "spikes" else values.mean(0)
    (channels, high, wide), columns = shown.shape, 8 if shown.shape[2] >= 24 else 16
    figure, _ = _visualizing().plot_2d_feature_map(shown, channels // columns, columns, 1, "")
    drawn = image(figure)
    framed = np.ones(drawn.shape, dtype=bool)
    for k in range(channels):
        y, x = k // columns * (high + 1), k % columns * (wide + 1)
        framed[y : y + high, x : x + wide] = False
    assert (drawn[framed] == shown.max()).all()
    drawn[framed] = 0
    return {"image": drawn[:-1, :-1]}  # ours has no frame at the lower right


API = "spikingjelly.visualizing"
CASES = [
    *proofs(f"{API}.plot_1d_spikes", "pictures=raster", _spikes, dots,
            few_steps=lambda: {"layer": spikes(30, 12)}, many_steps=lambda: {"layer": spikes(90, 12)},
            maps=lambda: {"layer": spikes(90, 2, 3, 4)}),
    *proofs(f"{API}.plot_2d_heatmap", "pictures=heat", _heat, heat_map,
            membranes=lambda: {"v": potentials(50, 12)}, spikes=lambda: {"spikes": spikes(50, 12)},
            maps=lambda: {"v": potentials(50, 2, 3, 4)}),
    *proofs(f"{API}.plot_one_neuron_v_s", "pictures=trace", _one_neuron, lines,
            membranes=lambda: {"v": potentials(50, 1)}, long=lambda: {"v": potentials(500, 1)},
            one_sign=lambda: {"v": potentials(50, 1).abs()}),
    *proofs(f"{API}.plot_2d_feature_map", "pictures=maps", _maps, feature_maps,
            membranes=lambda: {"v": potentials(20, 16, 5, 6)}, spikes=lambda: {"spikes": spikes(20, 32, 5, 6)},
            large=lambda: {"spikes": spikes(20, 16, 24, 24)}),
]  # fmt: skip
