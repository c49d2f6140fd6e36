"""Repeated layers: one repetition a value."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network, Repeat
from snnctl.neurons import LI, LIF

FACTS = Facts(shape=(2, 8, 8), classes=("a", "b"), dt=1e-3, steps=4)
CONV = {"conv": partial(nn.Conv2d, kernel_size=3, padding=1), "neuron": LIF}
END = {"flatten": nn.Flatten, "fc": nn.Linear, "readout": LI}


def test_each_value_goes_to_the_layers_that_leave_it_out():
    inner = {
        "first": partial(nn.Conv2d, kernel_size=3, padding=1),
        "second": partial(nn.Conv2d, kernel_size=3, padding=1, stride=1),
        "neuron": LIF,
    }
    net = Network({"f": partial(Repeat, each={"out_channels": [3, 5], "stride": [1, 2]}, layers=inner), **END}, FACTS)
    found = [(layer.out_channels, layer.stride) for _, layer, _ in net.walk() if isinstance(layer, nn.Conv2d)]
    assert found == [(3, (1, 1)), (3, (1, 1)), (5, (2, 2)), (5, (1, 1))]
    assert net.shapes["f"] == (5, 4, 4)


def test_names_and_states_are_nested():
    net = Network(
        {"f": partial(Repeat, times=2, layers={**CONV, "conv": partial(CONV["conv"], out_channels=2)}), **END}, FACTS
    )
    assert list(net.temporal_layers()) == ["f.0.neuron", "f.1.neuron", "readout"]
    out, state = net(torch.rand(4, 3, 2, 8, 8))
    assert out.shape == (4, 3, 2)
    assert set(state) == {"f", "readout"} and set(state["f"]["1"]) == {"neuron"}


def test_repetitions_within_repetitions_inherit():
    inner = partial(Repeat, times=2, layers=CONV)
    net = Network({"f": partial(Repeat, each={"out_channels": [3, 5]}, layers={"twice": inner}), **END}, FACTS)
    channels = [layer.out_channels for _, layer, _ in net.walk() if isinstance(layer, nn.Conv2d)]
    assert channels == [3, 3, 5, 5]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "neither each nor times"),
        ({"each": {"out_channels": [1, 2], "stride": [1]}}, "stride"),
        ({"times": 3, "each": {"stride": [1]}}, "times 3"),
    ],
)
def test_lists_of_different_lengths_are_refused(arguments, word):
    with pytest.raises(UserError, match=word) as raised:
        Network({"f": partial(Repeat, layers=CONV, **arguments), **END}, FACTS)
    assert "network layer f (Repeat)" in str(raised.value)


def test_a_mistake_inside_names_the_way_to_it():
    with pytest.raises(UserError, match=r"network layer f\.1\.conv \(Conv2d\) got \(3, 8, 8\)"):
        Network(
            {
                "f": partial(
                    Repeat,
                    times=2,
                    layers={"conv": partial(nn.Conv2d, in_channels=2, out_channels=3, kernel_size=3, padding=1)},
                )
            },
            FACTS,
        )
