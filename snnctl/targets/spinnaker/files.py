"""A model on disk: network.json and arrays.npz, which the script for sPyNNaker reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl.targets import readout
from snnctl.targets.spinnaker.model import Connections, Fixed, Population

NETWORK, ARRAYS = "network.json", "arrays.npz"
PER_NEURON = ("tau_m", "tau_syn", "v_rest", "v_reset", "threshold")


def write(model: Fixed, folder: Path, more: dict[str, Any]) -> None:
    """Both files.

    Args:
        more: what the script has to know beside the model.
    """
    arrays: dict[str, np.ndarray] = {}
    network: dict[str, Any] = {
        "dt": model.dt,
        "input_shape": list(model.input_shape),
        "output_shape": list(model.output_shape),
        "copies": model.copies,
        "populations": [],
        "connections": [],
        "rounding": model.rounding,
        **more,
    }
    for i, p in enumerate(model.populations):
        arrays |= {f"population {i} {field}": getattr(p, field).numpy() for field in PER_NEURON}
        network["populations"].append({
            "name": p.name, "shape": list(p.shape), "latency": p.latency, "unit": p.unit, "refractory": p.refractory,
            "shifts": list(p.shifts),
        })  # fmt: skip
    for i, c in enumerate(model.connections):
        arrays[f"connections {i} weight"] = c.weight.numpy()
        about = {"source": c.source, "target": c.target, "delay": c.delay, "steps": c.steps}
        network["connections"].append(about)
    readout.write(model.readouts, network, arrays)
    (folder / NETWORK).write_text(json.dumps(network, indent=1) + "\n")
    np.savez_compressed(folder / ARRAYS, **arrays)


def read(folder: Path) -> Fixed:
    """The model of an artefact."""
    network = json.loads((folder / NETWORK).read_text())
    with np.load(folder / ARRAYS) as stored:
        arrays = dict(stored)

    def array(name: str) -> Tensor | None:
        return torch.from_numpy(arrays[name]) if name in arrays else None

    populations = []
    for i, p in enumerate(network["populations"]):
        values = {field: array(f"population {i} {field}") for field in PER_NEURON}
        populations.append(Population(**{**p, "shape": tuple(p["shape"]), "shifts": tuple(p["shifts"])}, **values))
    return Fixed(
        dt=network["dt"],
        input_shape=tuple(network["input_shape"]),
        output_shape=tuple(network["output_shape"]),
        copies=network["copies"],
        populations=tuple(populations),
        connections=tuple(
            Connections(weight=array(f"connections {i} weight"), **c) for i, c in enumerate(network["connections"])
        ),
        readouts=readout.read(network, arrays),
        rounding=network["rounding"],
    )
