"""Graphs of snnctl's own networks."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.conversion import from_network
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Add, Graph, Network, Repeat, Residual
from snnctl.neurons import LI, LIF, QCFS, ReLU

FACTS = Facts((2, 6, 6), ("a", "b", "c"), 1e-3, 1)
conv = partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1)


def test_repetitions_residuals_and_a_readout():
    torch.manual_seed(0)
    block = partial(Residual, layers={"relu": ReLU, "conv": conv, "norm": nn.BatchNorm2d})
    layers = {
        "stem": conv, "blocks": partial(Repeat, layers={"block": block}, times=2), "down":
        partial(Residual, layers={"conv": partial(conv, out_channels=6, stride=2)}), "q": QCFS, "flatten": nn.Flatten,
        "classes": nn.Linear, "readout": partial(LI, tau_mem=5e-3, input_gain="1-decay"),
    }  # fmt: skip
    network = Network(layers, FACTS).eval()
    graph = from_network(network)
    assert list(graph.nodes)[1:6] == ["stem", "blocks.0.block.relu", "blocks.0.block.conv", "blocks.0.block.norm",
                                      "blocks.0.block.add"]  # fmt: skip
    assert graph.nodes["down.add"].sources == ("down.conv", "down.shortcut")
    x = torch.randn(5, 2, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(graph(x), network(x[None])[0][0])


def test_a_graph_stays_one():
    network = Graph({"a": conv, "b": conv, "sum": Add, "relu": nn.ReLU, "flat": nn.Flatten, "fc": nn.Linear}, FACTS,
                    {"b": ["input"], "sum": ["a", "b"]}).eval()  # fmt: skip
    x = torch.randn(5, 2, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(from_network(network)(x), network(x[None])[0][0])


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (partial(LIF, tau_mem=5e-3), r"layer neuron \(LIF\) spikes already: this is no ANN"),
        (nn.GELU, r"layer neuron \(GELU\) cannot be converted.*\n.*ReLU in its place"),
        (partial(nn.Softmax, dim=1), r"layer neuron \(Softmax\)"),
        (partial(Residual, layers={"relu": nn.ReLU}, join="and"), "joins by and"),
    ],
)
def test_what_is_no_ann(layer, said):
    network = Network({"conv": conv, "neuron": layer, "flatten": nn.Flatten, "fc": nn.Linear}, FACTS)
    with pytest.raises(UserError, match=said):
        from_network(network)
