"""The layers that are written: the same spikes as the simulation, whatever is scaled, summed or joined."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.config import build
from snnctl.conversion import Conversion, from_module
from snnctl.conversion.balancing import thresholds
from snnctl.conversion.simulation import simulate
from snnctl.conversion.spiking import described, spiking
from snnctl.datasets.facts import Facts
from snnctl.networks import Graph, Network
from snnctl.neurons import IF
from tests.conversion.modules import SHAPE, Chained, Concatenating, Pooled, Residuals, inputs, trained

FACTS = Facts(SHAPE, ("a", "b", "c"), 1e-3, 8)
KINDS = [Chained, Residuals, Concatenating, Pooled]


def written(kind, **options):
    """(simulated output, the network's, the network, what was written), for input that changes with time."""
    conversion = Conversion(T=8, **options)
    dynamics = replace(conversion.dynamics, gain=2.0)
    graph = conversion.prepare(from_module(trained(kind), SHAPE))
    draw = torch.Generator().manual_seed(3)
    sequence = inputs(4) + 0.3 * torch.randn(8, 4, *SHAPE, generator=draw)
    levels = thresholds(graph, [sequence.mean(0)], [sequence], "maximum", 100, dynamics)
    levels = {name: 1.037 * level for name, level in levels.items()}  # else the largest current meets it exactly
    made = spiking(graph, levels, dynamics, conversion.balance, conversion.pooling == "sum")
    network = made.network(FACTS)
    with torch.no_grad():
        out = network(sequence / 2)[0]
    *_, (_, simulated) = simulate(graph, sequence / 2, levels, dynamics)
    return simulated, out, network, made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    balance=st.sampled_from(["weights", "thresholds"]),
    pooling=st.sampled_from(["average", "sum"]),
    shift=st.sampled_from(["bias", "membrane", "none"]),
    max_spikes=st.sampled_from([1, 3, None]),
    v_min=st.sampled_from([None, 0.0, -0.5]),
    signed=st.booleans(),
)
def test_the_network_does_what_was_simulated(kind, **options):
    simulated, out, _, _ = written(kind, **options)
    close = (simulated - out).abs() < 1e-3 * simulated.abs().max()
    # Scaled weights round differently: a membrane that all but meets its threshold may fire a step later.
    assert close.float().mean() > 0.98


def test_a_chain_is_a_network_and_branches_are_a_graph():
    assert type(written(Chained)[2]) is Network
    assert type(written(Residuals)[2]) is Graph
    assert "sources" not in written(Chained)[3].configuration()


def test_balanced_weights_have_thresholds_of_one():
    for kind in (Chained, Concatenating):
        fires = [layer for layer in written(kind)[2].layers.values() if isinstance(layer, IF)]
        assert fires and all(layer.threshold == pytest.approx(1) for layer in fires)
    fires = [layer for layer in written(Chained, balance="thresholds")[2].layers.values() if isinstance(layer, IF)]
    assert all(layer.threshold != 1 for layer in fires)


def test_what_is_written_is_plain_and_comes_back_from_configuration():
    for kind in KINDS:
        _, _, network, made = written(kind, pooling="sum", balance="thresholds")
        for name, layer in network.layers.items():
            assert type(layer).__module__.startswith(("torch.nn.", "snnctl.")), name
        again = build(made.configuration())(facts=FACTS)
        again.load_state_dict(network.state_dict())
        x = inputs(4).expand(8, -1, -1, -1, -1)
        with torch.no_grad():
            assert torch.equal(again.eval()(x)[0], network(x)[0])


def test_two_activations_that_are_added_get_one_unit():
    network = written(Residuals)[2]
    rescaled = [name for name in network.layers if "_scale" in name]
    assert rescaled and all(network.layers[name].groups == 4 for name in rescaled)  # one weight a channel


def test_the_graph_is_left_as_it_is():
    conversion = Conversion(T=4)
    graph = conversion.prepare(from_module(trained(Chained), SHAPE))
    before = copy.deepcopy([list(node.layer.parameters()) for node in graph.of("linear")])
    conversion.convert(graph, [inputs()], [inputs().expand(4, -1, -1, -1, -1)])
    after = [list(node.layer.parameters()) for node in graph.of("linear")]
    assert all(
        torch.equal(a, b) for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(
    ("layer", "node"),
    [
        (nn.Linear(3, 2), {"_target_": "torch.nn.Linear", "in_features": 3, "out_features": 2}),
        (nn.Conv2d(1, 2, (3, 5), padding="same", bias=False),
         {"_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": [3, 5], "padding": "same",
          "bias": False}),
        (nn.Conv1d(2, 4, 3, stride=2),
         {"_target_": "torch.nn.Conv1d", "in_channels": 2, "out_channels": 4, "kernel_size": 3, "stride": 2}),
        (nn.Flatten(), {"_target_": "torch.nn.Flatten"}),
        (IF(threshold=[1.0, 2.0], per="channel", shape=(2, 3), max_spikes=None),
         {"_target_": "snnctl.neurons.IF", "threshold": [1.0, 2.0], "per": "channel", "max_spikes": None}),
    ],
)  # fmt: skip
def test_layers_as_configuration(layer, node):
    assert described(layer) == node
