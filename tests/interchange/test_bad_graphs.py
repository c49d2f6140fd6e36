"""A graph that cannot be run, and a network that cannot be written, is one line that names the node or layer."""

from __future__ import annotations

from functools import partial

import nir
import numpy as np
import pytest
import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.interchange import circuit_of, graph_of
from snnctl.networks import AllToAll, Delay, MapToMap, Network, OneToOne, Recurrent, Residual
from snnctl.neurons import LI, LIF, PSN
from tests.networks.presets import data

NAN = float("nan")


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def graph(nodes=None, edges=(), without=(), ends=(3, 2)) -> nir.NIRGraph:
    """input (3,) to fc to 2 neurons to output, changed."""
    named = {"input": nir.Input({"input": np.array([ends[0]])}), "fc": nir.Affine(ones(2, 3), ones(2)), "n": lif(2)}
    named |= {"output": nir.Output({"output": np.array([ends[1]])}), **(nodes or {})}
    chain = [("input", "fc"), ("fc", "n"), ("n", "output")]
    return nir.NIRGraph(named, [e for e in (*chain, *edges) if e not in without], type_check=False)


def lif(*shape: int) -> nir.LIF:
    return nir.LIF(ones(*shape) / 50, ones(*shape), 0 * ones(*shape), ones(*shape))


def square(n: int = 2) -> nir.Linear:
    return nir.Linear(ones(n, n))


class Strange(nir.NIRNode):
    def __init__(self):
        self.metadata = {}


NO_FC = [("input", "fc"), ("fc", "n")]


@pytest.mark.parametrize(
    ("made", "problem", "hint"),
    [
        (
            graph({"fc": Strange()}),
            "NIR node fc (Strange) is not supported",
            "supported      Affine, AvgPool2d, Conv1d",
        ),
        (graph(edges=[("n", "m")]), "the edge n to m names no node 'm'", "choose from    fc, input, n, output"),
        (graph(edges=[("fc", "n")]), "the edge fc to n is there twice", "delete one"),
        (graph({"alone": lif(2)}), "node alone (LIF) is not connected", "delete it"),
        (graph({"m": lif(2)}, [("m", "n")]), "node m (LIF): nothing leads to it from the input", "delete it"),
        (graph({"m": lif(2)}, [("fc", "m")]), "node m (LIF): nothing leads from it to the output", "delete it"),
        (graph(without=[("fc", "n")]), "nothing leads to it from the input", "delete it"),
        (
            graph({"out2": nir.Output({"output": np.array([2])})}, [("n", "out2")]),
            "2 Output nodes: output, out2",
            "one Output",
        ),
        (graph({"input": lif(3)}), "NIR graph: no Input node", "wanted         one Input node"),
        (
            graph({"a": square(), "b": square()}, [("fc", "a"), ("a", "b"), ("b", "a"), ("b", "n")]),
            "NIR graph: a cycle without a neuron: a to b to a",
            "a node with a state",
        ),
        (graph({"fc": nir.Linear(ones(2, 3) * NAN)}), "NIR node fc (Linear): weight is nan in 6 of 6 places", "finite"),
        (graph({"fc": nir.Linear(0 * ones(2, 3))}), "NIR node fc (Linear): weight is 0 everywhere", "train it"),
        (graph({"fc": nir.Affine(ones(2, 3), ones(2) * np.inf)}), "bias is inf in 2 of 2 places", "finite"),
        (graph({"fc": nir.Affine(ones(2, 3), ones(3))}), "bias has shape (3,)", "it gets        (3,)"),
        (
            graph({"fc": nir.Linear(ones(2, 4))}),
            "NIR node fc (Linear): it gets (3,) at each step, and takes (4,)",
            "equal",
        ),
        (graph({"n": lif(5)}), "NIR node n (LIF): tau has shape (5,), not (2,)", "wanted         one number"),
        (graph(ends=(3, 7)), "NIR node output (Output): it gets (2,) at each step, and takes (7,)", "equal"),
        (
            graph({"b": nir.Linear(ones(5, 3))}, [("input", "b"), ("b", "n")]),
            "NIR node n (LIF): b gives it (5,), and another node (2,)",
            "equal",
        ),
        (
            graph({"fc": nir.Conv2d((4, 4), ones(2, 3, 3, 3), 1, 0, 1, 1, ones(2))}),
            "NIR node fc (Conv2d): it gets (3,)",
            "equal",
        ),
        (
            graph({"fc": nir.Scale(ones(2, 3))}),
            "NIR node fc (Scale): it gets (3,) at each step, and takes (2, 3)",
            "equal",
        ),
        (graph({"n": nir.LIF(ones(2) * NAN, ones(2), ones(2), ones(2))}), "NIR node n (LIF): tau is nan", "finite, s"),
        (
            graph({"d": nir.Delay(ones(2) * 1.5e-3)}, [("n", "d"), ("d", "output")], [("n", "output")]),
            "NIR node d (Delay): 0.0015 s is no whole number of steps of 0.001 s",
            "nearest        0.002 s",
        ),
        (
            graph({"d": nir.Delay(-ones(2))}, [("n", "d"), ("d", "output")], [("n", "output")]),
            "-1 s is no whole",
            "nearest        0 s",
        ),
    ],
)
def test_a_graph_that_cannot_be(made, problem, hint):
    with pytest.raises(UserError) as raised:
        circuit_of(made, 1e-3)
    assert problem in raised.value.problem and "\n" not in raised.value.problem
    assert hint in raised.value.hint


def test_dt_is_missing():
    with pytest.raises(UserError, match="dt is missing") as raised:
        circuit_of(graph())
    assert "dt=1e-3" in raised.value.hint
    made = graph()
    made.metadata["dt"] = 2e-3
    assert circuit_of(made).dt == 2e-3
    made.metadata["snnctl"] = "[]"
    with pytest.raises(UserError, match="its metadata snnctl is damaged"):
        circuit_of(made)


def test_an_option_that_no_neuron_has():
    with pytest.raises(UserError, match=r"NIR node n \(LIF\): unknown option 'rest'"):
        circuit_of(graph(), 1e-3, rest="subtract")


def net(shape, **layers) -> Network:
    layers = {"flat": nn.Flatten, **layers} if len(shape) == 1 else layers
    return Network(layers, data(shape, 0)).eval()


SPIKES = partial(LIF, reset="zero")
MAPS = (2, 6, 6)


@pytest.mark.parametrize(
    ("shape", "layers", "problem", "hint"),
    [
        ((4,), {"n": LIF}, "layer n: LIF: NIR cannot express reset: subtract", "reset: value or zero; or allow reset"),
        ((4,), {"n": partial(PSN, steps=4)}, "layer n (PSN): NIR has no node for it: mixes time steps", "leave it out"),
        ((4,), {"a": nn.ReLU}, "layer a (ReLU): NIR has no node for it", "it can say"),
        (
            (4,),
            {"d": partial(Delay, delay=1.5e-3, whole=False)},
            "layer d (Delay): NIR has no delay between two steps",
            "whole: true",
        ),
        ((4,), {"r": partial(Recurrent, neuron=nn.ReLU)}, "layer r (Recurrent): NIR has no node for ReLU", "LI"),
        ((4,), {"a/b": SPIKES}, "layer 'a/b': a NIR file cannot hold this name", "without /"),
        (
            (4,),
            {"r": partial(Residual, layers={"n": SPIKES}, join="and")},
            "layer r (Residual): NIR cannot express join: and",
            "add",
        ),
        (MAPS, {"p": partial(nn.MaxPool2d, 2)}, "layer p (MaxPool2d): NIR has no node for it", "AvgPool2d"),
        (
            MAPS,
            {"p": partial(nn.AvgPool2d, 4, ceil_mode=True)},
            "layer p (AvgPool2d): NIR cannot express ceil_mode",
            "false",
        ),
        (
            MAPS,
            {"p": partial(nn.AvgPool2d, 2, divisor_override=3)},
            "NIR cannot express divisor_override",
            "mean of each",
        ),
        (
            MAPS,
            {"p": partial(nn.AdaptiveAvgPool2d, 4)},
            "layer p (AdaptiveAvgPool2d): windows of (6, 6) to (4, 4)",
            "divides",
        ),
        (
            MAPS,
            {"c": partial(nn.Conv2d, out_channels=2, kernel_size=3, padding_mode="circular", padding=1)},
            "layer c (Conv2d): NIR cannot express padding_mode circular",
            "zeros",
        ),
        (
            MAPS,
            {"c": partial(nn.Conv2d, out_channels=2, kernel_size=2, dilation=3, padding="same")},
            "layer c (Conv2d): padding same of a kernel of 2 with dilation 3",
            "odd kernel_size",
        ),
        (
            MAPS,
            {"c": partial(nn.Linear, in_features=6, out_features=3)},
            "layer c (Linear): NIR has it for vectors only",
            "Flatten",
        ),
        (
            MAPS,
            {"r": partial(Recurrent, neuron=SPIKES)},
            "layer r.feedback (AllToAll): NIR has it for vectors only",
            "Flatten",
        ),
        (
            MAPS,
            {"r": partial(Recurrent, neuron=SPIKES, feedback=partial(OneToOne, bias=True))},
            "layer r.feedback (OneToOne)",
            "Flatten",
        ),
        (
            MAPS,
            {"b": partial(nn.BatchNorm2d, track_running_stats=False)},
            "layer b (BatchNorm2d): it has no running",
            "true",
        ),
        (
            (2, 4, 4, 4),
            {"r": partial(Recurrent, neuron=SPIKES, feedback=MapToMap)},
            "layer r.feedback (MapToMap): NIR has no convolution of 3",
            "Conv1d",
        ),
    ],
)
def test_a_network_that_cannot_be(shape, layers, problem, hint):
    with pytest.raises(UserError) as raised:
        graph_of(net(shape, **layers))
    assert problem in raised.value.problem and "\n" not in raised.value.problem
    assert hint in raised.value.hint


@pytest.mark.parametrize(("value", "problem"), [(NAN, "weight is nan in 12 of 12"), (0.0, "weight is 0 everywhere")])
def test_weights_that_are_nothing(value, problem):
    network = net((4,), fc=partial(nn.Linear, out_features=3), out=LI)
    with torch.no_grad():
        network.layers["fc"].weight.fill_(value)
    with pytest.raises(UserError, match=f"layer fc: {problem}"):
        graph_of(network)


def test_the_network_is_left_as_it_is():
    network = net(
        (4,), fc=partial(nn.Linear, out_features=3), norm=nn.BatchNorm1d, r=partial(Recurrent, neuron=SPIKES), out=LI
    )
    assert type(network.layers["r"].feedback) is AllToAll
    before = {k: v.clone() for k, v in network.train().state_dict().items()}
    graph_of(network)
    assert network.layers["fc"].training and before.keys() == network.state_dict().keys()
    assert all(torch.equal(v, network.state_dict()[k]) for k, v in before.items())
