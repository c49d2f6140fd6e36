"""Circuits that a Xylo core takes, and the chips as their YAML files build them."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import OmegaConf
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.config.folders import configs
from snnctl.neurons import LI, CubaLIF
from snnctl.targets.xylo import Xylo

DT = 1e-3
SHIFTS = {"decay": "bitshift", "synapse": "add_then_decay", "backend": "eager"}  # nothing to compile


def chip(name: str, **options: Any) -> Xylo:
    """xylo/<name> with some keys of its YAML replaced."""
    said = OmegaConf.to_container(OmegaConf.load(configs() / "target" / "xylo" / f"{name}.yaml"))
    assert said.pop("_target_") == "snnctl.targets.xylo.Xylo"
    return Xylo(**{**said, **options})


def neurons(**options: Any) -> CubaLIF:
    """Hidden neurons as the core has them."""
    return CubaLIF(**{"tau_mem": 16e-3, "tau_syn": 8e-3, "max_spikes": 31, **SHIFTS, **options})


def readout(**options: Any) -> LI:
    """A leaky integrator as the core has it."""
    return LI(**{"tau_mem": 16e-3, "tau_syn": 8e-3, **SHIFTS, **options})


def circuit(
    inputs: int = 5,
    hidden: int = 12,
    outputs: int = 3,
    seed: int = 0,
    bias: bool = False,
    middle: nn.Module | None = None,
    last: nn.Module | None = None,
    delay: int = 0,
) -> Circuit:
    """Inputs, recurrent neurons, outputs.

    Args:
        middle: the hidden neurons. last: the outputs. delay: between them, steps.
    """
    torch.manual_seed(seed)
    joined = [
        Projection("input", "hidden", {"fc": nn.Linear(inputs, hidden, bias=bias)}),
        Projection("hidden", "hidden", {"rec": nn.Linear(hidden, hidden, bias=False)}, 1),
        Projection("hidden", "readout", {"classes": nn.Linear(hidden, outputs, bias=bias)}, delay),
        Projection("readout", "output"),
    ]
    shapes = {"input": (inputs,), "hidden": (hidden,), "readout": (outputs,), "output": (outputs,)}
    return Circuit({"hidden": middle or neurons(), "readout": last or readout()}, joined, shapes, DT)


def events(inputs: int = 5, steps: int = 30, batch: int = 4, seed: int = 1, rate: float = 0.5) -> torch.Tensor:
    """Spike counts (steps, batch, inputs)."""
    return torch.poisson(torch.full((steps, batch, inputs), rate), generator=torch.Generator().manual_seed(seed))
