"""What a reader makes of our files who knows NIR, and not our metadata."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from snnctl.interchange import circuit_of, graph_of, refused, sayable, without_notes
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


def differ(graph, x, **options) -> tuple[float, float]:
    """Share of n's spikes that another reader has elsewhere, and how far its output is off, over its range."""
    ours, theirs = circuit_of(graph, **EAGER), circuit_of(without_notes(graph), 1e-3, **EAGER, **options)
    with torch.no_grad():
        (out, _, given), (other, _, read_as) = ours.trace(x), theirs.trace(x)
    return (given["n"] != read_as["n"]).float().mean().item(), ((out - other).abs().max() / out.abs().max()).item()


def test_a_reset_that_nir_cannot_say_makes_a_difference():
    graph = graph_of(drawn(), allow=sayable())
    x = torch.rand(100, 4, 4) * 4
    spikes, output = differ(graph, x)
    assert 0.01 < spikes < 0.5 and output > 0.01
    spikes, output = differ(graph, x, reset="subtract", fire="ge")
    assert spikes == 0 and output < 1e-5


def test_what_nir_can_say_needs_no_metadata():
    graph = graph_of(drawn(reset="zero", fire="gt", input_gain="1-decay"))
    x = torch.rand(100, 4, 4) * 4
    spikes, output = differ(graph, x)
    assert spikes == 0 and output < 1e-5
    assert differ(graph, x, decay="euler")[1] > 0.01


def test_without_the_metadata_it_is_anybodys_file():
    graph = graph_of(drawn(reset="zero"))
    bare = without_notes(graph)
    assert bare.metadata == {} and not any(node.metadata for node in bare.nodes.values())
    assert graph.metadata and graph.nodes["n"].metadata
    assert "decay: exact, exp(-dt / tau) a step (LI, LIF)" in circuit_of(bare, 1e-3).assumed


def test_a_convolution_that_nir_counts_wrongly():
    conv = partial(nn.Conv2d, out_channels=4, kernel_size=3, groups=2)
    oblong = partial(nn.Conv1d, out_channels=4, kernel_size=3)
    assert refused(graph_of(Network({"c": oblong}, data((2, 6), 0)))) == []
    (line,) = refused(graph_of(Network({"c": conv}, data((2, 6, 6), 0))))
    assert line.startswith("c (Conv2d): nir counts its groups wrongly")
    (line,) = refused(graph_of(Network({"c": partial(conv, groups=1, kernel_size=(1, 3))}, data((2, 6, 6), 0))))
    assert line.startswith("c (Conv2d): nir counts its oblong kernel (1, 3) wrongly")
