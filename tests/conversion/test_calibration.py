"""Biases that make up for what is lost, channel by channel."""

from __future__ import annotations

import copy

import torch
from torch import nn

from snnctl.conversion import Analog
from snnctl.conversion.calibration import calibrate
from snnctl.conversion.simulation import Dynamics


def test_what_the_mean_lacks_goes_into_the_bias():
    graph = Analog((2,))
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data = torch.eye(2)
    graph.add("fc", layer, ("input",), 1.0)
    graph.add("relu", nn.ReLU(), ("fc",), 1.0)
    snn = copy.deepcopy(graph)
    frames = [torch.tensor([[0.3, 0.0], [0.5, 1.0]]), torch.tensor([[0.7, 0.5]])]
    sequences = [x.expand(2, *x.shape) for x in frames]
    # Two steps, threshold 1, cut off: 0.3 -> 0, 0.5 -> 1/2, 0.7 -> 1/2; 0 -> 0, 1 -> 1, 0.5 -> 1/2.
    calibrate(graph, snn, frames, sequences, {"relu": torch.tensor(1.0)}, Dynamics(2, shift="none"))
    torch.testing.assert_close(snn.nodes["fc"].layer.bias.data, torch.tensor([0.5 - 1 / 3, 0.0]))
    assert graph.nodes["fc"].layer.bias is None


def test_a_bias_that_others_read_is_left_alone():
    graph = Analog((2,))
    graph.add("fc", nn.Linear(2, 2), ("input",), 1.0)
    graph.add("relu", nn.ReLU(), ("fc",), 1.0)
    graph.add("out", nn.Linear(2, 2), ("fc",), 1.0)
    snn = copy.deepcopy(graph)
    x = torch.rand(4, 2)
    calibrate(graph, snn, [x], [x.expand(2, 4, 2)], {"relu": torch.tensor(1.0)}, Dynamics(2))
    assert torch.equal(snn.nodes["fc"].layer.bias, graph.nodes["fc"].layer.bias)
