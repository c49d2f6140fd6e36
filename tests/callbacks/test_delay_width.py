"""The window of learned delays narrows with the epochs."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
from torch import nn

from snnctl.callbacks.delay_width import DelayWidth
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import DelayedLinear, Network

FACTS = Facts((5,), ("a", "b"), 1e-3, 3)


def widths(callback: DelayWidth, network: Network, epochs: list[int]) -> list[float]:
    found = []
    for epoch in epochs:
        callback.on_train_epoch_start(SimpleNamespace(current_epoch=epoch), SimpleNamespace(network=network))
        found.append(network.layers["out"].sigma)
    return found


def test_it_falls_geometrically_and_then_stays():
    network = Network({"out": partial(DelayedLinear, longest=16e-3)}, FACTS)
    given = widths(DelayWidth(last=0.5, epochs=4), network, [0, 1, 2, 3, 4, 9])  # 16 steps of 1 ms: from 8
    assert given == pytest.approx([8.0, 4.0, 2.0, 1.0, 0.5, 0.5])
    assert widths(DelayWidth(first=2.0, last=0.5, epochs=2), network, [0, 1, 2]) == pytest.approx([2.0, 1.0, 0.5])
    assert network.layers["out"].shares(1e-3).argmax(2).shape == (2, 5)


def test_a_short_delay_begins_with_a_step():
    assert DelayWidth().width(0, longest=1.0) == 1.0


def test_a_network_without_delays_is_told():
    network = Network({"out": nn.Linear}, FACTS)
    with pytest.raises(UserError, match="no DelayedLinear"):
        DelayWidth().on_train_epoch_start(SimpleNamespace(current_epoch=0), SimpleNamespace(network=network))


@pytest.mark.parametrize("wrong", [{"first": 0.0}, {"last": 0.0}, {"epochs": 0}, {"last": float("nan")}])
def test_values_out_of_range(wrong):
    with pytest.raises(UserError, match="DelayWidth"):
        DelayWidth(**wrong)
