"""Synaptic operations against counts made by hand."""

from __future__ import annotations

import torch
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.circuits.operations import SynapticOperations, fan_out
from snnctl.neurons import IF


def test_operations_of_a_matrix_with_zeros():
    fc = nn.Linear(3, 3, bias=False)
    fc.weight.data = torch.tensor([[1.3, 0, -3.2], [0, 1.2, -5.1], [-1.1, 2.7, 0]])
    circuit = Circuit({"a": IF()}, [Projection("input", "a", {"fc": fc}), Projection("a", "output")],
                      {"input": (3,), "a": (3,), "output": (3,)}, 1e-3)  # fmt: skip
    x = torch.tensor([0, 1.3, -1]).view(1, 1, 3)
    assert SynapticOperations(circuit).of(x, circuit.trace(x)[2]) == {"fc": 4}


def test_a_corner_of_a_convolution_reaches_less():
    conv = nn.Conv2d(1, 2, 3, padding=1)
    assert fan_out(Projection("input", "a", {"conv": conv}), (1, 4, 4))[0].tolist() == [
        [8, 12, 12, 8], [12, 18, 18, 12], [12, 18, 18, 12], [8, 12, 12, 8],
    ]  # fmt: skip
    pooled = Projection("input", "a", {"pool": nn.AvgPool2d(2), "flat": nn.Flatten(), "fc": nn.Linear(4, 5)})
    assert fan_out(pooled, (1, 4, 4)).unique().tolist() == [5]
