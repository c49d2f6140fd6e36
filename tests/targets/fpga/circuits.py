"""Circuits for the FPGA's tests, and the tools that they need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.neurons import IF, LI, LIF, Integrator
from snnctl.targets.fpga import ICE40

DT = 25e-3
YAML = Path(__file__).resolve().parents[3] / "configs" / "target" / "fpga.yaml"


def need(*programs: str) -> None:
    """Skip where a program is missing; fail where $SNNCTL_REQUIRE_TOOLS says that all are there."""
    for program in programs:
        if shutil.which(program) is None:
            if os.environ.get("SNNCTL_REQUIRE_TOOLS"):
                pytest.fail(f"{program} is missing, and SNNCTL_REQUIRE_TOOLS is set")
            pytest.skip(f"needs {program}: apt-get install iverilog yosys nextpnr-ice40 fpga-icestorm")


def target(limits: dict | None = None, **options) -> ICE40:
    """As the YAML has it, Verilog only unless `synthesise` is given; `limits` replaces values of every device."""
    values = yaml.safe_load(YAML.read_text())
    del values["_target_"]
    values["devices"] = {n: {**d, "clock": float(d["clock"]), **(limits or {})} for n, d in values["devices"].items()}
    return ICE40(**{**values, "synthesise": False, **options})


def linear(sources: int, targets: int, bias: bool = True, seed: int = 0, std: float = 0.4) -> nn.Linear:
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(sources, targets, bias=bias)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)
    return layer


def recurrent(inputs: int = 8, hidden: int = 64, outputs: int = 27, **neuron) -> Circuit:
    """One recurrent layer and a leaky readout."""
    neuron = {"tau_mem": 0.1, "decay": "bitshift", **neuron}
    return Circuit(
        {"hidden": LIF(**neuron), "readout": LI(tau_mem=neuron["tau_mem"], decay=neuron["decay"], backend="eager")},
        [
            Projection("input", "hidden", {"fc": linear(inputs, hidden, seed=1)}),
            Projection("hidden", "hidden", {"rec": linear(hidden, hidden, False, seed=2, std=0.15)}, 1),
            Projection("hidden", "readout", {"classes": linear(hidden, outputs, seed=3)}),
            Projection("readout", "output"),
        ],
        {"input": (inputs,), "hidden": (hidden,), "readout": (outputs,), "output": (outputs,)},
        DT,
    )


@st.composite
def neurons(draw, spiking: bool):
    """A neuron with conventions that the core has."""
    leak = {
        "tau_mem": draw(st.sampled_from([0.0125, 0.02, 0.05, 0.1, 0.4, 3.0])),
        "decay": draw(st.sampled_from(["exact", "euler", "bitshift"])),
        "input_gain": draw(st.sampled_from([1.0, "1-decay", "dt/tau", -0.5])),
    }
    leak["v_rest"] = v_rest = draw(st.sampled_from([0.0, -0.5, 0.25]))
    if leak["decay"] != "exact":
        leak["tau_mem"] = max(leak["tau_mem"], 0.05)
    if not spiking:
        return draw(st.sampled_from([LI(**leak), Integrator()]))
    reset = draw(st.sampled_from(["subtract", "zero", "value", "none"]))
    fire = {
        "threshold": draw(st.sampled_from([0.5, 1.0, 2.0])),
        "fire": draw(st.sampled_from(["ge", "gt"])),
        "reset": reset,
        "v_reset": draw(st.sampled_from([-0.25, 0.125])) if reset == "value" else 0.0,
        "reset_delay": draw(st.booleans()),
    }
    kind = draw(st.sampled_from([LIF, LIF, IF]))
    return LIF(**leak, **fire) if kind is LIF and v_rest < fire["threshold"] else IF(**fire)


@st.composite
def circuits(draw):
    """One to three populations in a row, with and without recurrence, feedback, skips and biases."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    last = len(sizes) - 2
    populations, projections, shapes = {}, [], {"input": (sizes[0],), "output": (sizes[-1],)}

    def join(source: str, to: str, delay: int = 0) -> None:
        n = len(projections)
        layer = linear(*shapes[source], *shapes[to], bias=draw(st.booleans()), seed=draw(st.integers(0, 99)))
        projections.append(Projection(source, to, {f"fc{n}": layer}, delay))

    names = ["input", *(f"p{i}" for i in range(last + 1))]
    for i, size in enumerate(sizes[1:]):
        name = names[i + 1]
        populations[name] = draw(neurons(spiking=i < last or draw(st.booleans())))
        shapes[name] = (size,)
        join(names[i], name)
    spiking = [n for n in names[1:] if populations[n].spiking]
    for source in spiking:
        for to in names[1:]:
            if draw(st.integers(0, 3)) == 0:  # recurrence, feedback, or a delayed skip
                join(source, to, 1)
    return Circuit(populations, [*projections, Projection(names[-1], "output")], shapes, DT)


def counts(steps: int, batch: int, channels: int, seed: int = 0, most: int = 4) -> torch.Tensor:
    """Numbers of events (T, B, channels)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (steps, batch, channels)
    there = torch.rand(shape, generator=generator) < 0.3
    return there * torch.randint(1, most + 1, shape, generator=generator).float()
