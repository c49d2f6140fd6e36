"""The graph of operations: order, who reads what, and where a bias can go."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.conversion import Analog
from snnctl.conversion.analog import kind_of, known_threshold
from snnctl.errors import UserError
from snnctl.networks import Add
from snnctl.neurons import IF, QCFS


def chain(*layers: nn.Module) -> Analog:
    graph = Analog((2, 6, 6))
    for i, layer in enumerate(layers):
        graph.add(f"l{i}", layer, (graph.last,), 1e-3)
    return graph


def test_values_run_in_order_and_shapes_are_known():
    graph = chain(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    assert [node.shape for node in graph.nodes.values()] == [(2, 6, 6), (3, 4, 4), (3, 4, 4), (3, 2, 2), (12,), (2,)]
    names = [node.name for node, _ in graph.values(torch.zeros(1, 2, 6, 6))]
    assert names == ["input", "l0", "l1", "l2", "l3", "l4"]
    graph.drop("l2")
    assert graph.nodes["l3"].sources == ("l1",)


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([nn.Conv2d(2, 3, 3)], "l0"),
        ([nn.Conv2d(2, 3, 3), nn.AvgPool2d(2), nn.Dropout()], "l0"),
        ([nn.Conv2d(2, 3, 3), nn.AvgPool2d(2, padding=1)], None),
        ([nn.Conv2d(2, 3, 3), nn.ReLU()], None),
        ([nn.Conv2d(2, 3, 3), nn.Flatten()], None),  # one bias a channel is not one a neuron
        ([nn.AvgPool2d(2)], None),
    ],
)
def test_which_layer_carries_a_bias(layers, found):
    graph = chain(*layers)
    carrier = graph.carrier(graph.last)
    assert (carrier and carrier.name) == found


def test_a_bias_goes_into_one_branch_and_never_into_what_others_read():
    graph = Analog((2, 6, 6))
    for name in ("a", "b"):
        graph.add(name, nn.Conv2d(2, 2, 1), ("input",), 1e-3)
    graph.add("relu", nn.ReLU(), ("a",), 1e-3)
    graph.add("sum", Add(), ("a", "b"), 1e-3)
    assert graph.carrier("sum").name == "b"  # a is read by relu too
    assert graph.carrier("a") is None


def test_activations_with_an_end():
    graph = chain(nn.Conv2d(2, 3, 1), QCFS(threshold=2.5), nn.ReLU6(), nn.ReLU(),
                  QCFS(threshold=[1.0, 2.0, 3.0], per="channel", shape=(3, 6, 6)))  # fmt: skip
    ends = [known_threshold(graph.nodes[f"l{i}"]) for i in range(1, 5)]
    assert [None if end is None else end.tolist() for end in ends] == [2.5, 6.0, None, [1.0, 2.0, 3.0]]
    per_neuron = chain(nn.Conv2d(2, 3, 1), QCFS(per="neuron", shape=(3, 6, 6)))
    with pytest.raises(UserError, match="a threshold a neuron"):
        known_threshold(per_neuron.nodes["l1"])


def test_what_is_refused():
    with pytest.raises(UserError, match=r"layer n \(IF\) spikes already"):
        kind_of("n", IF())
    with pytest.raises(UserError, match="AvgPool1d"):
        kind_of("n", nn.MaxPool1d(2))
