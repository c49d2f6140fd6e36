"""Networks whose layers branch and join."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Add, Concatenate, Graph, Network
from snnctl.neurons import IF, LI

FACTS = Facts((4,), ("a", "b", "c"), 1e-3, 5)
eight = partial(nn.Linear, out_features=8)
X = torch.rand(5, 2, 4, generator=torch.Generator().manual_seed(0))


def test_branches_are_joined():
    torch.manual_seed(0)
    net = Graph({"a": eight, "b": eight, "sum": Add, "if": IF, "both": Concatenate, "out": nn.Linear}, FACTS,
                {"b": ["input"], "sum": ["a", "b"], "both": ["if", "a"]})  # fmt: skip
    out, state = net(X)
    a, b = (net.layers[name](X) for name in "ab")
    spikes, _ = IF()(a + b, dt=1e-3)
    torch.testing.assert_close(out, net.layers["out"](torch.cat([spikes, a], 2)))
    assert net.shapes == {"a": (8,), "b": (8,), "sum": (8,), "if": (8,), "both": (16,), "out": (3,)}
    assert list(state) == ["if"] and list(net.temporal_layers()) == ["if"]


def test_in_two_halves_it_gives_the_same():
    torch.manual_seed(0)
    net = Graph({"a": eight, "if": IF, "out": nn.Linear, "li": partial(LI, tau_mem=5e-3)}, FACTS, {})
    whole, _ = net(3 * X)
    first, state = net(3 * X[:2])
    second, _ = net(3 * X[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)


def test_without_branches_it_is_a_network():
    torch.manual_seed(0)
    layers = {"a": eight, "if": IF, "out": nn.Linear}
    graph, chain = Graph(layers, FACTS), Network(layers, FACTS)
    chain.load_state_dict(graph.state_dict())
    torch.testing.assert_close(graph(X)[0], chain(X)[0])


@pytest.mark.parametrize(
    ("layers", "sources", "said"),
    [
        ({"a": eight, "out": nn.Linear}, {"out": ["b"]}, "out reads b, which is no layer before it"),
        ({"a": eight, "out": nn.Linear}, {"a": ["out"]}, "a reads out"),
        ({"a": eight, "out": nn.Linear}, {"ou": ["a"]}, "names no layer 'ou'"),
        ({"a": eight, "sum": Add, "out": nn.Linear}, {"sum": ["a", "input"]}, r"\(8,\), \(4,\)"),
        ({"a": eight, "if": IF, "out": nn.Linear}, {"if": ["a", "a"]}, "reads 2 layers"),
        ({"a": eight}, {}, "expected"),
        ({"keys": eight, "out": nn.Linear}, {}, "cannot have this name"),
    ],
)
def test_wrong_graphs(layers, sources, said):
    if said == "expected":
        layers = {"a": eight, "if": IF}
    with pytest.raises(UserError, match=said):
        Graph(layers, FACTS, sources)
