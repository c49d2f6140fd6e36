"""BindsNET's plots of monitored layers: spikes as dots, voltages as a map, beside ours, by what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.parity.drawn import dots, heat_map, pairs, potentials, proofs, spikes
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Traces


def _plotting() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    return bindsnet("analysis.plotting")


def _spikes(given: Inputs) -> Traces:
    marks, _ = _plotting().plot_spikes(dict(given))
    found = {}
    for layer, of_layer in zip(given, marks, strict=True):
        found |= pairs(layer, of_layer.get_offsets())
    return found


def _voltages(given: Inputs) -> Traces:
    """Two layers: of one alone they draw another kind of map, whose colours are no image."""
    images, _ = _plotting().plot_voltages({"layer": given["v"], "other": given["v"]})
    return {"image": torch.from_numpy(np.asarray(images[0].get_array()))}


API = "bindsnet.analysis.plotting"
CASES = [
    *proofs(f"{API}.plot_spikes", "pictures=raster", _spikes, dots,
            one_layer=lambda: {"layer": spikes(90, 12)}, maps=lambda: {"layer": spikes(90, 2, 3, 4)},
            two_layers=lambda: {"hidden": spikes(30, 12), "out": spikes(30, 5, rate=0.5)}),
    *proofs(f"{API}.plot_voltages", "pictures=heat", _voltages, heat_map,
            membranes=lambda: {"v": potentials(50, 12)}, maps=lambda: {"v": potentials(50, 2, 3, 4)},
            one_sign=lambda: {"v": potentials(50, 12).abs()}),
]  # fmt: skip
