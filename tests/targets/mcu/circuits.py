"""Circuits for the tests of the target "mcu": written out, and drawn."""

from __future__ import annotations

import functools
import math

import torch
from hypothesis import strategies as st
from torch import nn

from snnctl import config
from snnctl.circuits import Circuit, Projection, Scale, SumPool2d
from snnctl.neurons import IF, LI, LIF, CubaLIF, Integrator

DT = 10e-3


@functools.cache
def target(*overrides: str):
    """The target as a user gets it, with keys changed."""
    return config.build(config.compose(None, ["target=mcu", *(f"target.{o}" for o in overrides)]).target)


def joined(neurons: dict, projections: list, shapes: dict, seed: int = 0, gain: float = 3.0) -> Circuit:
    """A circuit with weights drawn anew, `gain` times torch's own, so that most layers fire."""
    torch.manual_seed(seed)
    for p in projections:
        for layer in p.layers:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
                layer.weight.data.mul_(gain)
    return Circuit(neurons, projections, shapes, DT).requires_grad_(False)


def recurrent(**conventions) -> Circuit:
    """Dense and recurrent, with a synaptic current; the readout is a leaky integrator."""
    return joined(
        {"hidden": CubaLIF(tau_mem=30e-3, tau_syn=20e-3, **conventions), "readout": LI(tau_mem=50e-3)},
        [
            Projection("input", "hidden", {"flat": nn.Flatten(), "fc": nn.Linear(18, 40)}),
            Projection("hidden", "hidden", {"feedback": nn.Linear(40, 40, bias=False)}, 1),
            Projection("hidden", "readout", {"classes": nn.Linear(40, 5)}),
            Projection("readout", "output"),
        ],
        {"input": (2, 3, 3), "hidden": (40,), "readout": (5,), "output": (5,)},
    )


def convolutional(channels=(16, 64), size: int = 34, device: str = "cpu") -> Circuit:
    """Two convolutions with pooling and a linear readout on maps of 34x34x2, as the recipe digits_conv."""
    half, quarter = size // 2, size // 4
    first, second = channels
    with torch.device(device):
        return joined(
            {"first": LIF(tau_mem=50e-3), "second": LIF(tau_mem=50e-3), "readout": LI(tau_mem=0.1)},
            [
                Projection(
                    "input", "first", {"conv0": nn.Conv2d(2, first, 3, padding="same"), "pool0": nn.AvgPool2d(2)}
                ),
                Projection(
                    "first", "second", {"conv1": nn.Conv2d(first, second, 3, padding=1), "pool1": nn.AvgPool2d(2)}
                ),
                Projection(
                    "second", "readout", {"flat": nn.Flatten(), "classes": nn.Linear(second * quarter**2, 10)}
                ),
                Projection("readout", "output"),
            ],
            {"input": (2, size, size), "first": (first, half, half), "second": (second, quarter, quarter),
             "readout": (10,), "output": (10,)},
        )  # fmt: skip


def events(circuit: Circuit, steps: int, batch: int, density: float = 0.2, most: int = 3) -> torch.Tensor:
    """Counts 0 to `most`, mostly 0, (T, B, *input)."""
    shape = (steps, batch, *circuit.shapes["input"])
    draw = torch.Generator().manual_seed(steps)
    fired = torch.rand(shape, generator=draw) < density
    return fired * torch.randint(1, most + 1, shape, generator=draw).float()


@st.composite
def spiking(draw, shape: tuple[int, ...], delays: bool = True):
    """A neuron that whole numbers can compute, with conventions of every kind."""
    reset = draw(st.sampled_from(["subtract", "zero", "value"]))
    options = {"reset": reset, "fire": draw(st.sampled_from(["ge", "gt"])), "threshold": draw(st.floats(0.3, 3))}
    if reset == "value":
        options["v_reset"] = draw(st.floats(-0.5, 0.2))
    if draw(st.booleans()):
        options["reset_delay"] = draw(st.sampled_from([True, "with_input"]))
    cls = draw(st.sampled_from([LIF, IF, CubaLIF]))
    if cls is not IF:
        options["decay"] = draw(st.sampled_from(["exact", "euler", "bitshift"]))
        options["input_gain"] = draw(st.sampled_from([1.0, "1-decay", "dt/tau", 2.5]))
        options["v_rest"] = draw(st.sampled_from([0.0, 0.1]))
        options["tau_mem"] = draw(st.floats(DT, 20 * DT))
        per = draw(st.sampled_from(["layer", "channel", "neuron"]))
        if per != "layer":
            size = shape if per == "neuron" else (shape[0], *[1] * (len(shape) - 1))
            options |= {"per": per, "shape": shape, "tau_mem": (1 + 9 * torch.rand(size)) * DT}
    if cls is CubaLIF:
        options["synapse"] = draw(st.sampled_from(["decay_then_add", "add_then_decay", "next_step"]))
        options["tau_syn"] = 2 * DT
    if draw(st.booleans()):
        options["v_min"] = -1.0
    return cls(**options)


@st.composite
def onward(draw, shape: tuple[int, ...]):
    """Layers from a map or a vector to another, and the shape there."""
    if len(shape) == 1 or draw(st.integers(0, 3)) == 0:
        size = draw(st.integers(1, 12))
        pools = len(shape) == 3 and min(shape[1:]) > 1 and draw(st.booleans())
        pool = {"pool": nn.AvgPool2d(2)} if pools else {}
        inputs = shape[0] * (shape[1] // 2) * (shape[2] // 2) if pools else math.prod(shape)
        layers = {**pool, "flat": nn.Flatten(), "fc": nn.Linear(inputs, size, bias=draw(st.booleans()))}
        return layers, (size,)
    groups = draw(st.sampled_from([1, shape[0]]))
    conv = nn.Conv2d(
        shape[0], groups * draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, (1, 3)])),
        draw(st.integers(1, 2)), draw(st.integers(0, 2)), groups=groups, bias=draw(st.booleans()),
    )  # fmt: skip
    pools = [nn.AvgPool2d(2), SumPool2d(2), nn.AvgPool2d(3, 1, 1), SumPool2d((2, 1), (1, 1))]
    kind = draw(st.sampled_from(["conv", "conv, pool", "pool, conv", "pool", "scale"]))
    pool = draw(st.sampled_from(pools))
    layers = {
        "conv": {"conv": conv},
        "conv, pool": {"conv": conv, "pool": pool},
        "pool, conv": {"pool": pool, "conv": conv},
        "pool": {"pool": pool, "scale": Scale(1.5)},
        "scale": {"scale": Scale(torch.rand(shape) + 0.1)},
    }[kind]
    try:
        made = nn.Sequential(*layers.values())(torch.zeros(1, *shape)).shape[1:]
    except RuntimeError:  # the map is smaller than the kernel
        made = torch.Size([0])
    return (layers, tuple(made)) if math.prod(made) else ({"scale": Scale(0.7)}, shape)


@st.composite
def circuits(draw) -> Circuit:
    """One or two populations, with feedback and delays of some, and every kind of output."""
    shape = draw(st.sampled_from([(7,), (2, 5, 6), (3, 4, 4)]))
    shapes, neurons, projections, before = {"input": shape}, {}, [], "input"
    for name in draw(st.sampled_from([("a",), ("a", "b")])):
        layers, shape = draw(onward(shape))
        neurons[name], shapes[name] = draw(spiking(shape)), shape
        projections.append(Projection(before, name, layers, draw(st.integers(0, 2))))
        size = math.prod(shape)
        if size <= 64 and draw(st.booleans()):  # all to all: larger ones fill the smallest board
            back = {"flat": nn.Flatten(), "back": nn.Linear(size, size, bias=False), "map": nn.Unflatten(1, shape)}
            back = {"back": back["back"]} if len(shape) == 1 else back
            projections.append(Projection(name, name, back, draw(st.integers(1, 2))))
        before = name
    end = draw(st.sampled_from(["spikes", "li", "cuba li", "sum", "integrator"]))
    size = math.prod(shape)
    if end == "spikes":
        projections.append(Projection(before, "output", {"flat": nn.Flatten()}, draw(st.integers(0, 1))))
        shapes["output"] = (size,)
    else:
        classes = {"flat": nn.Flatten(), "classes": nn.Linear(size, 4)}
        shapes["output"] = (4,)
        if end != "sum":
            li = {"li": LI(tau_mem=5 * DT), "cuba li": LI(tau_mem=5 * DT, tau_syn=2 * DT), "integrator": Integrator()}
            neurons["readout"], shapes["readout"] = li[end], (4,)
            projections.append(Projection("readout", "output"))
        projections.append(Projection(before, "output" if end == "sum" else "readout", classes))
    return joined(neurons, projections, shapes, draw(st.integers(0, 99)), gain=draw(st.floats(1, 6)))
