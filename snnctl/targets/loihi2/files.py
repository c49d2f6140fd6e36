"""Integers of a circuit on disk: network.json and arrays.npz, which the script for Lava reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnctl.targets import readout
from snnctl.targets.loihi2.compartment import Registers
from snnctl.targets.loihi2.integers import Compartments, Integers, Synapses

NETWORK, ARRAYS = "network.json", "arrays.npz"


def write(model: Integers, folder: Path) -> None:
    """Both files."""
    arrays: dict[str, np.ndarray] = {}
    network: dict[str, Any] = {
        "dt": model.dt,
        "input_shape": list(model.input_shape),
        "output_shape": list(model.output_shape),
        "fraction": model.fraction,
        "populations": [],
        "synapses": [],
        "rounding": model.rounding,
    }
    for i, p in enumerate(model.populations):
        for field in ("mantissa", "exponent", "start", "unit", "rest"):
            arrays[f"population {i} {field}"] = getattr(p, field).numpy()
        network["populations"].append({
            "name": p.name, "shape": list(p.shape), "spiking": p.spiking, "du": p.registers.du, "dv": p.registers.dv,
            "vth": p.vth, "latency": p.latency,
        })  # fmt: skip
    for i, s in enumerate(model.synapses):
        arrays[f"synapses {i} weight"] = s.weight.numpy()
        network["synapses"].append({
            "source": s.source, "target": s.target, "exponent": s.exponent, "delay": s.delay, "steps": s.steps,
        })  # fmt: skip
    readout.write(model.readouts, network, arrays)
    (folder / NETWORK).write_text(json.dumps(network, indent=1) + "\n")
    np.savez_compressed(folder / ARRAYS, **arrays)


def read(folder: Path) -> Integers:
    """The integers of an artefact."""
    with np.load(folder / ARRAYS) as stored:
        return assembled(json.loads((folder / NETWORK).read_text()), dict(stored))


def assembled(network: dict[str, Any], arrays: dict[str, np.ndarray]) -> Integers:
    """The integers from what the two files hold."""

    def array(name: str) -> Tensor | None:
        return torch.from_numpy(arrays[name]) if name in arrays else None

    populations = tuple(
        Compartments(
            name=p["name"],
            shape=tuple(p["shape"]),
            spiking=p["spiking"],
            registers=Registers(p["du"], p["dv"]),
            vth=p["vth"],
            latency=p["latency"],
            **{f: array(f"population {i} {f}") for f in ("mantissa", "exponent", "start", "unit", "rest")},
        )
        for i, p in enumerate(network["populations"])
    )
    return Integers(
        dt=network["dt"],
        input_shape=tuple(network["input_shape"]),
        output_shape=tuple(network["output_shape"]),
        fraction=network["fraction"],
        populations=populations,
        synapses=tuple(Synapses(weight=array(f"synapses {i} weight"), **s) for i, s in enumerate(network["synapses"])),
        readouts=readout.read(network, arrays),
        rounding=network["rounding"],
    )
