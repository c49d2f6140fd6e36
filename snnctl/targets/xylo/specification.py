"""The integers that configure a Xylo core, named as the arguments of Rockpool's config_from_specification."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Specification:
    """One core. A bias of the hidden neurons acts on their membrane.

    Args:
        weights_in: int8 (inputs, the first hidden neurons, synapses).
        weights_rec: int8 (hidden, hidden, synapses), from row to column.
        weights_out: int8 (the last hidden neurons, outputs).
        dash_mem, dash_syn, dash_syn_2: shifts of a hidden neuron's membrane and currents (hidden,).
        dash_mem_out, dash_syn_out: those of output neurons (outputs,).
        threshold, threshold_out: int16.
        bias_hidden, bias_out: int16.
        weight_shift_in, weight_shift_rec, weight_shift_out: bits by which weights are shifted left.

    Source: D. R. Muir et al., Rockpool 3.1.0, rockpool.devices.xylo.syns65302.config_from_specification.
    """

    weights_in: np.ndarray
    weights_rec: np.ndarray
    weights_out: np.ndarray
    dash_mem: np.ndarray
    dash_mem_out: np.ndarray
    dash_syn: np.ndarray
    dash_syn_2: np.ndarray
    dash_syn_out: np.ndarray
    threshold: np.ndarray
    threshold_out: np.ndarray
    bias_hidden: np.ndarray
    bias_out: np.ndarray
    weight_shift_in: int = 0
    weight_shift_rec: int = 0
    weight_shift_out: int = 0

    @property
    def inputs(self) -> int:
        return len(self.weights_in)

    @property
    def hidden(self) -> int:
        return len(self.weights_rec)

    @property
    def outputs(self) -> int:
        return self.weights_out.shape[1]

    def arguments(self) -> dict[str, Any]:
        """The arguments of config_from_specification; without biases where all are 0, so that none are switched on."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        if not (self.bias_hidden.any() or self.bias_out.any()):
            del given["bias_hidden"], given["bias_out"]
        return given

    def save(self, path: Path) -> None:
        """Write an npz file of `arguments()`."""
        np.savez_compressed(path, **self.arguments())

    @classmethod
    def load(cls, path: Path) -> Specification:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            given = {name: file[name] for name in file.files}
        shifts = {name: int(given.pop(name)) for name in tuple(given) if name.startswith("weight_shift")}
        given.setdefault("bias_hidden", np.zeros_like(given["threshold"]))
        given.setdefault("bias_out", np.zeros_like(given["threshold_out"]))
        return cls(**given, **shifts)
