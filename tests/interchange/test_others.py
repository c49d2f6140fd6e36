"""What is lost on a reader without our metadata is told, and measured."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from snnctl.interchange import circuit_of, difference, graph_of, lost, sayable, unmarked
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from tests.networks.presets import data

EAGER = {"backend": "eager"}  # nothing to compile
FC = partial(nn.Linear, out_features=8)


def drawn(**options) -> Network:
    torch.manual_seed(1)
    layers = {
        "fc": FC,
        "n": partial(LIF, tau_mem=5e-3, backend="eager", **options),
        "classes": FC,
        "out": partial(LI, backend="eager"),
    }
    return Network(layers, data((4,), 0)).eval()


def test_a_reset_that_nir_cannot_say_is_measured():
    graph = graph_of(drawn(), allow=sayable())
    assert lost(graph) == ["n (LIF): reset: subtract is in the metadata alone, which only snnctl reads"]
    x = torch.rand(100, 4, 4) * 4
    seen = difference(graph, x, 1e-3, **EAGER)
    assert 0.01 < seen.spikes["n"] < 0.5 and seen.output > 0.01 * seen.largest
    told = difference(graph, x, 1e-3, **EAGER, reset="subtract", fire="ge")
    assert told.spikes == {"n": 0.0} and told.output < 1e-5 * told.largest


def test_what_nir_can_say_is_not_lost():
    """At the equation's own conventions a reader needs no metadata."""
    graph = graph_of(drawn(reset="zero", fire="gt", input_gain="1-decay"))
    assert lost(graph) == []
    seen = difference(graph, torch.rand(100, 4, 4) * 4, 1e-3, **EAGER)
    assert seen.spikes == {"n": 0.0} and seen.output < 1e-5 * seen.largest
    others = difference(graph, torch.rand(100, 4, 4) * 4, 1e-3, **EAGER, decay="euler")
    assert others.output > 0.01 * others.largest


def test_without_the_metadata_it_is_anybodys_file():
    graph = graph_of(drawn(reset="zero"))
    bare = unmarked(graph)
    assert bare.metadata == {} and not any(node.metadata for node in bare.nodes.values())
    assert graph.metadata and graph.nodes["n"].metadata
    assert "decay: exact, exp(-dt / tau) a step (LI, LIF)" in circuit_of(bare, 1e-3).assumed


def test_a_convolution_that_nir_counts_wrongly():
    conv = partial(nn.Conv2d, out_channels=4, kernel_size=3, groups=2)
    oblong = partial(nn.Conv1d, out_channels=4, kernel_size=3)
    assert lost(graph_of(Network({"c": oblong}, data((2, 6), 0)))) == []
    (line,) = lost(graph_of(Network({"c": conv}, data((2, 6, 6), 0))))
    assert line.startswith("c (Conv2d): nir counts its groups wrongly")
    (line,) = lost(graph_of(Network({"c": partial(conv, groups=1, kernel_size=(1, 3))}, data((2, 6, 6), 0))))
    assert line.startswith("c (Conv2d): nir counts its oblong kernel (1, 3) wrongly")
