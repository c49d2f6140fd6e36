"""Networks as graphs and graphs as circuits, with nodes, edges and traces written out."""

from __future__ import annotations

from functools import partial

import nir
import numpy as np
import pytest
import torch
from torch import nn

from snnctl.circuits import INPUT, OUTPUT
from snnctl.interchange import circuit_of, graph_of
from snnctl.interchange.note import read_graph
from snnctl.networks import (
    AllToAll,
    Back,
    Chain,
    Delay,
    DelayedLinear,
    Loop,
    MapToMap,
    MeanField,
    Network,
    OneToOne,
    Recurrent,
    Residual,
    Scale,
    SparseLinear,
    SumPool2d,
    Voting,
)
from snnctl.neurons import LI, LIF, Integrator
from tests.interchange.run import compare, through_a_file
from tests.networks.presets import data

SPIKES = partial(LIF, reset="zero", tau_mem=5e-3, threshold=0.6, backend="eager")
MAPS, VECTOR = (2, 6, 6), (6,)
SAME = partial(nn.Conv2d, out_channels=2, kernel_size=3, padding=1)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def net(shape, **layers) -> Network:
    """With norms that have seen something."""
    torch.manual_seed(0)
    network = Network(layers, data(shape, 0, steps=16)).eval()
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            for value in (layer.running_mean, layer.weight.data, layer.bias.data):
                value.normal_(0.5)
            layer.running_var.uniform_(0.5, 2)
    return network


def test_a_network_node_by_node():
    network = net(
        MAPS,
        conv=partial(nn.Conv2d, out_channels=4, kernel_size=3, padding="same"),
        drop=nn.Dropout,
        n1=SPIKES,
        pool=partial(SumPool2d, 2),
        flat=nn.Flatten,
        fc=partial(nn.Linear, out_features=5, bias=False),
        n2=partial(Recurrent, neuron=SPIKES),
        out=LI,
    )
    graph = graph_of(network)
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    assert kinds == {
        "input": "Input",
        "conv": "Conv2d",
        "n1": "LIF",
        "pool": "SumPool2d",
        "flat": "Flatten",
        "fc": "Linear",
        "n2": "LIF",
        "n2.feedback": "Linear",
        "out": "LI",
        "output": "Output",
    }
    assert graph.edges == [
        ("input", "conv"),
        ("conv", "n1"),
        ("n1", "pool"),
        ("pool", "flat"),
        ("flat", "fc"),
        ("fc", "n2"),
        ("n2", "n2.feedback"),
        ("n2.feedback", "n2"),
        ("n2", "out"),
        ("out", "output"),
    ]
    assert graph.check_types() and read_graph(graph) == (1e-3, (("n2", "n2.feedback"),))
    shapes = {name: tuple(node.output_type["output"]) for name, node in graph.nodes.items()}
    assert shapes["conv"] == (4, 6, 6) and shapes["pool"] == (4, 3, 3) and shapes["flat"] == (36,)
    assert graph.nodes["conv"].padding == (1, 1) and graph.nodes["n1"].tau.shape == (4, 6, 6)


@pytest.mark.parametrize(
    ("shape", "layers", "nodes"),
    [
        (VECTOR, {"fc": partial(nn.Linear, out_features=4), "norm": nn.BatchNorm1d, "n": SPIKES}, "fc n"),
        (VECTOR, {"fc": partial(nn.Linear, out_features=4, bias=False), "norm": nn.BatchNorm1d, "n": SPIKES}, "fc n"),
        (VECTOR, {"n": SPIKES, "norm": nn.BatchNorm1d, "n2": SPIKES}, "n norm n2"),  # nothing to fold it into
        (MAPS, {"c": SAME, "p": partial(nn.AvgPool2d, 2), "b": nn.BatchNorm2d, "n": SPIKES}, "c p n"),
        (MAPS, {"c": SAME, "p": partial(SumPool2d, 2), "b": nn.BatchNorm2d, "n": SPIKES}, "c p n"),
        (MAPS, {"c": SAME, "p": partial(nn.AvgPool2d, 2, padding=1), "b": nn.BatchNorm2d, "n": SPIKES}, "b c n p"),
        (
            MAPS,
            {"c": SAME, "r": partial(Residual, layers={"b": nn.BatchNorm2d, "n": SPIKES})},
            "c r.b r.n",
        ),  # c is read twice
        (
            (2, 6),
            {
                "c": partial(nn.Conv1d, out_channels=3, kernel_size=3, stride=2, padding=1),
                "n": SPIKES,
                "b": nn.BatchNorm1d,
                "m": SPIKES,
            },
            "b c m n",
        ),
        (MAPS, {"c": partial(nn.Conv2d, out_channels=4, kernel_size=2, padding="same", groups=2), "n": SPIKES}, "c n"),
        (
            MAPS,
            {
                "c": partial(
                    nn.Conv2d, out_channels=2, kernel_size=(3, 5), dilation=(2, 1), stride=(1, 2), padding=(1, 2)
                ),
                "n": SPIKES,
            },
            "c n",
        ),
        (MAPS, {"c": partial(nn.Conv2d, out_channels=2, kernel_size=(2, 4), padding="same"), "n": SPIKES}, "c n"),
        (MAPS, {"p": partial(nn.AdaptiveAvgPool2d, (2, 3)), "n": SPIKES}, "n p"),
        (MAPS, {"f": partial(nn.Flatten, start_dim=2), "n": SPIKES}, "f n"),
        (MAPS, {"n": SPIKES, "s": partial(Scale, factor=torch.arange(1.0, 3).view(2, 1, 1)), "m": SPIKES}, "m n s"),
        (MAPS, {"r": partial(Recurrent, neuron=SPIKES, feedback=MapToMap)}, "r r.feedback"),
        (MAPS, {"r": partial(Recurrent, neuron=SPIKES, feedback=OneToOne)}, "r r.feedback"),
        (VECTOR, {"r": partial(Recurrent, neuron=SPIKES, feedback=partial(OneToOne, bias=True))}, "r r.feedback"),
        (
            VECTOR,
            {"r": partial(Recurrent, neuron=SPIKES, feedback=partial(AllToAll, bias=True, autapses=False))},
            "r r.feedback",
        ),
        (VECTOR, {"r": partial(Recurrent, neuron=partial(LI, tau_mem=5e-3, backend="eager"))}, "r r.feedback"),
        (VECTOR, {"m": partial(MeanField, 3), "n": SPIKES}, "m n"),
        (
            VECTOR,
            {"s": partial(SparseLinear, out_features=8, density=0.5), "n": SPIKES, "v": partial(Voting, classes=2)},
            "n s v",
        ),
        (VECTOR, {"d": partial(Delay, delay=3e-3), "n": SPIKES}, "d n"),
        (VECTOR, {"d": partial(Delay, delay=[0.0, 1e-3, 1e-3, 0.0, 4e-3, 0.0], per="neuron"), "n": SPIKES}, "d n"),
        (VECTOR, {"fc": partial(nn.Linear, out_features=4), "d": partial(Delay, delay=2e-3), "n": SPIKES}, "d fc n"),
        (
            VECTOR,
            {"l": partial(DelayedLinear, out_features=4, longest=2e-3), "n": SPIKES},
            "l.late0 l.late1 l.late1.delay l.late2 l.late2.delay n",
        ),
        (VECTOR, {"a": SPIKES, "r": partial(Residual, layers={"i": nn.Identity}), "n": SPIKES}, "a a.times2 n"),
        (VECTOR, {"s": lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), "n": SPIKES}, "n s.0"),
        (VECTOR, {"input": SPIKES, "output": partial(nn.Linear, out_features=3)}, "input input_ output output_"),
    ],
)
def test_a_layer_comes_back(shape, layers, nodes, tmp_path):
    network = net(shape, **layers)
    graph = graph_of(network)
    assert sorted(graph.nodes) == sorted([*nodes.split(), *({"input", "output"} - layers.keys())])
    circuit = through_a_file(network, tmp_path / "a.nir")
    rates = compare_out(network, circuit, torch.rand(16, 2, *shape) * 3)
    assert rates > 0.01


def compare_out(network, circuit, x) -> float:
    with torch.no_grad():
        expected, given = network(x)[0], circuit(x)[0]
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5)
    return expected.abs().mean().item()


def loop(output=None, **layers):
    back = {"up": partial(Back, source="b", target="a")}
    return partial(Loop, layers=layers, back=back, output=output)


@pytest.mark.parametrize(
    "layers",
    [
        {"a": SPIKES, "b": SPIKES},
        {"a": SPIKES, "fc": partial(nn.Linear, out_features=6), "b": SPIKES},
        {
            "a": partial(nn.Linear, out_features=6),
            "n": SPIKES,
            "b": partial(nn.Linear, out_features=6),
        },  # a bias comes back
        {
            "a": partial(Chain, layers={"d": nn.Dropout, "x": partial(nn.Linear, out_features=6), "y": SPIKES}),
            "b": SPIKES,
        },
        {"a": SPIKES, "b": partial(Delay, delay=2e-3)},
        {"a": partial(Residual, layers={"x": SPIKES}), "b": SPIKES},
        {"a": partial(Recurrent, neuron=SPIKES), "c": SPIKES, "b": SPIKES},
        {"a": nn.BatchNorm1d, "n": SPIKES, "b": partial(nn.Linear, out_features=6), "c": nn.BatchNorm1d},
    ],
)
@pytest.mark.parametrize("output", ["b", None])
def test_a_loop_comes_back(layers, output, tmp_path):
    network = net(
        VECTOR,
        first=partial(nn.Linear, out_features=6),
        loop=loop(output, **layers),
        out=partial(Integrator, backend="eager"),
    )
    circuit = through_a_file(network, tmp_path / "a.nir")
    assert compare_out(network, circuit, torch.rand(16, 2, 6) * 4) > 0.1


def test_a_convention_that_is_in_the_metadata_alone(tmp_path):
    network = net(
        VECTOR, fc=partial(nn.Linear, out_features=8), n=partial(LIF, max_spikes=None, v_min=-0.5, backend="eager")
    )
    circuit = through_a_file(network, tmp_path / "a.nir", allow=["reset", "max_spikes", "v_min"])
    x = torch.rand(30, 2, 6) * 8
    assert compare(network, circuit, x)["n"] > 0.1


# Graphs of others.


def foreign(nodes, edges, shape=(1,), after=(1,)) -> nir.NIRGraph:
    ends = {"input": nir.Input({"input": np.array(shape)}), "output": nir.Output({"output": np.array(after)})}
    return nir.NIRGraph({**ends, **nodes}, edges, type_check=False)


def fire(threshold=1.0, shape=(1,)) -> nir.IF:
    return nir.IF(ones(*shape), ones(*shape) * np.float32(threshold))


def spikes(circuit, x) -> dict[str, list[float]]:
    _, _, traces = circuit.trace(torch.tensor(x).view(len(x), 1, -1))
    return {name: trace.flatten().tolist() for name, trace in traces.items()}


def test_an_if_of_others_adds_its_input_unless_told():
    graph = foreign({"a": fire()}, [("input", "a"), ("a", "output")])
    circuit = circuit_of(graph, 1e-3, backend="eager")
    assert circuit.assumed == (
        "drive: step, an input of 1 adds r = 1 a step (IF with r = 1)",
        "fire: gt, a spike where v > v_threshold (IF)",
        "reset: value, to v_reset (IF)",
    )
    assert spikes(circuit, [0.6] * 5)["a"] == [0, 1, 0, 1, 0]
    euler = circuit_of(graph, 0.5, drive="euler", fire="ge", reset="subtract", backend="eager")
    assert euler.assumed == ()
    assert spikes(euler, [1.0] * 5)["a"] == [0, 1, 0, 1, 0]


def test_a_cycle_of_two_and_one_to_itself():
    nodes = {"a": fire(), "b": fire(), "w": nir.Linear(-ones(1, 1) * 2), "self": nir.Scale(ones(1) * 0.25)}
    edges = [("input", "a"), ("a", "b"), ("b", "w"), ("w", "a"), ("a", "self"), ("self", "a"), ("b", "output")]
    circuit = circuit_of(foreign(nodes, edges), 1e-3, fire="ge", backend="eager")
    assert {(p.source, p.target): p.delay for p in circuit.projections} == {
        (INPUT, "a"): 0,
        ("a", "b"): 0,
        ("b", "a"): 1,
        ("a", "a"): 1,
        ("b", OUTPUT): 0,
    }
    assert sorted(line for line in circuit.assumed if "cycle" in line) == [
        "cycle: what a gives comes to a one step later",
        "cycle: what b gives comes to a one step later",
    ]
    # a: 1 fires and is 0; then 1 + 0.25 - 2 = -0.75, 0.25, 1.25 fires
    assert spikes(circuit, [1.0] * 5) == {"a": [1, 0, 0, 1, 0], "b": [1, 0, 0, 1, 0]}


def test_a_delay_in_a_cycle_is_all_of_its_delay():
    nodes = {"a": fire(), "d": nir.Delay(ones(1) * 2e-3)}
    circuit = circuit_of(
        foreign(nodes, [("input", "a"), ("a", "d"), ("d", "a"), ("a", "output")]), 1e-3, fire="ge", backend="eager"
    )
    assert [p.delay for p in circuit.projections if p.source == p.target] == [2]
    assert spikes(circuit, [1.0, 0, 0, 0, 0]) == {"a": [1, 0, 1, 0, 1]}


def test_a_bias_counts_once_where_branches_meet():
    nodes = {"a": fire(0.5), "w": nir.Affine(ones(1, 1), ones(1) * 0.25), "out": nir.I(ones(1))}
    edges = [("input", "a"), ("input", "w"), ("a", "w"), ("w", "out"), ("out", "output")]
    circuit = circuit_of(foreign(nodes, edges), 1e-3, backend="eager")
    assert len(circuit.into("out")) == 2
    assert spikes(circuit, [1.0, 0, 0])["out"] == [2.25, 2.5, 2.75]


def test_a_subgraph_is_taken_apart():
    inner = foreign(
        {"n": fire(), "w": nir.Linear(ones(1, 1) * 0.5)}, [("input", "n"), ("n", "w"), ("w", "n"), ("n", "output")]
    )
    outer = foreign({"block": inner, "n": fire()}, [("input", "block"), ("block", "n"), ("n", "output")])
    circuit = circuit_of(outer, 1e-3, fire="ge", backend="eager")
    assert circuit.names == ("block.n", "n")
    assert {(p.source, p.target, p.delay) for p in circuit.projections} == {
        (INPUT, "block.n", 0),
        ("block.n", "block.n", 1),
        ("block.n", "n", 0),
        ("n", OUTPUT, 0),
    }
    assert spikes(circuit, [1.0, 0.5, 0.5])["block.n"] == [1, 1, 1]


def test_a_factor_of_the_input_is_in_the_weights_before_it():
    """r = 2 and drive euler, at dt / tau = 1 / 4: half the input."""
    tau = ones(2) * np.float32(4e-3)
    twice = nir.LIF(tau, np.array([2, 4], np.float32), 0 * ones(2), ones(2))
    nodes = {"w": nir.Affine(ones(2, 1), ones(2)), "n": twice}
    circuit = circuit_of(
        foreign(nodes, [("input", "w"), ("w", "n"), ("n", "output")], after=(2,)), 1e-3, decay="euler", drive="euler"
    )
    (layer,) = circuit.into("n")[0].layers
    gain = circuit.populations["n"].coefficients(1e-3).gain
    np.testing.assert_allclose((layer.weight[:, 0] * gain).detach(), [0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose((layer.bias * gain).detach(), [0.5, 1.0], rtol=1e-6)
    maps = nir.LIF(
        *(np.broadcast_to(a.reshape(2, 1), (2, 5)).copy() for a in (tau, twice.r, twice.v_leak, twice.v_threshold))
    )
    conv = nir.Conv1d(7, ones(2, 1, 3), 1, 0, 1, 1, ones(2))
    circuit = circuit_of(
        foreign({"w": conv, "n": maps}, [("input", "w"), ("w", "n"), ("n", "output")], (1, 7), (2, 5)),
        1e-3,
        decay="euler",
        drive="euler",
    )
    (layer,) = circuit.into("n")[0].layers
    np.testing.assert_allclose((layer.weight[:, 0, 0] * gain).detach(), [0.5, 1.0], rtol=1e-6)
    straight = circuit_of(
        foreign({"n": maps}, [("input", "n"), ("n", "output")], (2, 5), (2, 5)), 1e-3, decay="euler", drive="euler"
    )
    assert list(straight.into("n")[0].named_layers()) == ["n.scale"]


def test_maps_before_a_linear_layer_are_flattened_and_it_is_told():
    nodes = {"f": nir.Flatten({"input": np.array([2, 3, 4])}), "w": nir.Linear(ones(1, 24)), "n": fire()}
    graph = foreign(nodes, [("input", "f"), ("f", "w"), ("w", "n"), ("n", "output")], (2, 3, 4))
    circuit = circuit_of(graph, 1e-3, backend="eager")  # start_dim is 1, as torch counts
    assert circuit(torch.ones(1, 1, 2, 3, 4))[0].item() == 1
    assert circuit.assumed[-1] == "w (Linear) gets (2, 12): flattened before it"


def test_another_dt_than_that_of_the_file(tmp_path):
    network = net(VECTOR, fc=partial(nn.Linear, out_features=4), n=partial(LI, tau_mem=4e-3, backend="eager"))
    graph = graph_of(network)
    assert circuit_of(graph).dt == 1e-3
    finer = circuit_of(graph, 0.5e-3, backend="eager")
    x = torch.ones(1, 1, 6)
    with torch.no_grad():
        whole = network(x.expand(40, 1, 6))[0][-1]
        np.testing.assert_allclose(finer(x.expand(80, 1, 6))[0][-1], whole, rtol=1e-5)  # seconds are seconds
