"""Random circuits that fit Loihi 2, for the tests and for the comparison with Lava."""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn

from snnctl.circuits import Circuit, Projection
from snnctl.neurons import IF, LI, LIF, CubaLIF
from snnctl.neurons.neuron import Neuron

DT = 1e-3


def drawn(seed: int, largest: int = 24, steps: int = 30) -> tuple[Circuit, Tensor]:
    """A circuit and an input (T, 1, N) of it: every convention, delay and kind of input that the chip can do.

    Args:
        seed: of the draw. largest: most neurons of a population. steps: T.
    """
    draw = random.Random(seed)
    torch.manual_seed(seed)
    names = [f"layer{i}" for i in range(draw.randint(1, 3))]
    sizes = {"input": draw.randint(1, largest), **{name: draw.randint(1, largest) for name in names}}
    populations: dict[str, Neuron] = {name: _spiking(draw, sizes[name]) for name in names}
    if draw.random() < 0.7:
        names.append("readout")
        sizes["readout"] = draw.randint(1, 8)
        populations["readout"] = LI(
            tau_mem=draw.uniform(1, 50) * DT,
            tau_syn=draw.choice([None, 4e-3]),
            v_rest=draw.choice([0.0, 0.5]),
            backend="eager",
            synapse=draw.choice(["decay_then_add", "add_then_decay", "next_step"]),
        )
    chain = ["input", *names]
    pairs = [(a, b, draw.choice([0, 0, 0, 1, 3])) for a, b in zip(chain, names, strict=False)]
    for name in names:
        if populations[name].spiking and draw.random() < 0.5:
            pairs.append((name, name, draw.randint(1, 3)))  # recurrent
    hidden = [name for name in names if populations[name].spiking]
    if len(hidden) > 1 and draw.random() < 0.4:
        pairs.append((hidden[1], hidden[0], draw.randint(2, 4)))  # a cycle of two
    if len(names) > 2 and draw.random() < 0.4:
        pairs.append(("input", names[2], draw.randint(0, 2)))  # past two layers
    projections = [Projection(a, b, {f"{a} to {b}": _linear(draw, sizes[a], sizes[b])}, d) for a, b, d in pairs]
    projections.append(Projection(names[-1], "output"))
    shapes = {name: (size,) for name, size in sizes.items()} | {"output": (sizes[names[-1]],)}
    return Circuit(populations, projections, shapes, DT), _input(draw, steps, sizes["input"])


def _spiking(draw: random.Random, size: int) -> Neuron:
    kind = draw.choice([LIF, CubaLIF, CubaLIF, IF])
    options = {"fire": draw.choice(["gt", "ge"]), "reset_delay": draw.choice([False, True]), "reset": "zero"}
    options |= {"threshold": draw.uniform(0.5, 2), "backend": "eager"}
    if draw.random() < 0.3:
        options["threshold"] = [draw.uniform(0.5, 2) for _ in range(size)]
        options |= {"per": "neuron", "shape": (size,)}
    if draw.random() < 0.3:
        rest = draw.choice([-0.3, 0.2])
        options |= {"reset": "value", "v_reset": rest}
        options |= {} if kind is IF else {"v_rest": rest}
    if kind is not IF:
        options["decay"] = draw.choice(["exact", "euler"])
        options["tau_mem"] = draw.choice([0.6 if options["decay"] == "exact" else 1, 2, 5, 20, 100]) * DT
        options["input_gain"] = draw.choice([1.0, 1.0, "1-decay", 0.7])
    if kind is CubaLIF:
        options["tau_syn"] = draw.choice([1 if options["decay"] == "exact" else 2, 3, 10]) * DT
        options["synapse"] = draw.choice(["decay_then_add", "add_then_decay", "next_step"])
    return kind(**options)


def _linear(draw: random.Random, inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=draw.random() < 0.5)
    nn.init.normal_(layer.weight, draw.choice([0.0, 0.0, 0.2]), draw.choice([0.2, 0.7]))
    if draw.random() < 0.15:
        layer.weight.data.abs_()
    if draw.random() < 0.1:
        layer.weight.data.abs_().neg_()
    return layer


def _input(draw: random.Random, steps: int, size: int) -> Tensor:
    kind = draw.choice(["spikes", "spikes", "counts", "signed", "real"])
    if kind == "spikes":
        return (torch.rand(steps, 1, size) < 0.3).float()
    if kind == "counts":
        return torch.poisson(torch.full((steps, 1, size), 0.5))
    if kind == "signed":
        return torch.randint(-2, 3, (steps, 1, size)).float()
    return torch.randn(steps, 1, size)
