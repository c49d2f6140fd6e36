"""Circuits: traces written out, recurrence, delays, state in and out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.circuits import Circuit, Projection, Scale
from snnctl.circuits.order import groups
from snnctl.errors import UserError
from snnctl.networks import AllToAll, Recurrent
from snnctl.neurons import IF, LI, LIF

SHAPES = {"input": (1,), "a": (1,), "b": (1,), "output": (1,)}


def test_the_trace_of_two_integrators_written_out():
    chain = [Projection("input", "a", {"half": Scale(0.5)}), Projection("a", "b"), Projection("b", "output")]
    circuit = Circuit({"a": IF(), "b": IF(threshold=2.0)}, chain, SHAPES, 1e-3)
    out, _, traces = circuit.trace(torch.ones(8, 1, 1))
    assert traces["a"].flatten().tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert out.flatten().tolist() == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_projection_with_a_delay_comes_late():
    late = [Projection("input", "a", delay=2), Projection("a", "output", delay=1)]
    circuit = Circuit({"a": IF()}, late, {k: (1,) for k in ("input", "a", "output")}, 1e-3)
    x = torch.tensor([1.0, 0, 1, 0, 0, 0]).view(6, 1, 1)
    whole = circuit(x)[0]
    assert whole.flatten().tolist() == [0, 0, 0, 1, 0, 1]
    first, state = circuit(x[:2])
    assert torch.equal(torch.cat([first, circuit(x[2:], state)[0]]), whole)


def test_a_cycle_is_a_recurrent_layer_and_can_be_cut_anywhere():
    torch.manual_seed(1)
    fc, feedback, classes = nn.Linear(5, 7), nn.Linear(7, 7, bias=False), nn.Linear(7, 3)
    joined = [Projection("input", "hidden", {"fc": fc}), Projection("hidden", "hidden", {"feedback": feedback}, 1)]
    joined += [Projection("hidden", "readout", {"classes": classes}), Projection("readout", "output")]
    shapes = {"input": (5,), "hidden": (7,), "readout": (3,), "output": (3,)}
    circuit = Circuit({"readout": LI(), "hidden": LIF()}, joined, shapes, 1e-3)
    assert circuit.names == ("hidden", "readout")  # as they must be run
    layer = Recurrent(LIF(), (7,), AllToAll)
    layer.feedback.load_state_dict({"weight": feedback.weight.detach()}, strict=False)
    x = torch.rand(20, 4, 5) * 2
    out, _, traces = circuit.trace(x)
    expected = layer(fc(x), dt=1e-3)[0]
    assert 0.05 < expected.mean() < 0.9 and torch.equal(traces["hidden"], expected)
    first, state = circuit(x[:8])
    torch.testing.assert_close(torch.cat([first, circuit(x[8:], state)[0]]), out)


def test_a_projection_as_one_matrix():
    torch.manual_seed(2)
    layers = {
        "conv": nn.Conv2d(2, 3, 3, padding=1),
        "pool": nn.AvgPool2d(2),
        "flat": nn.Flatten(),
        "fc": nn.Linear(12, 4),
    }
    projection = Projection("input", "output", layers)
    weight, bias = projection.matrix((2, 4, 4))
    s = torch.rand(6, 2, 4, 4)
    torch.testing.assert_close(s.flatten(1) @ weight.T + bias, projection(s).detach(), atol=1e-5, rtol=1e-5)


def test_wrong_circuits():
    shapes = {k: (1,) for k in ("input", "a", "b", "output")}
    with pytest.raises(UserError, match="no population 'c'"):
        Circuit({"a": IF()}, [Projection("input", "c")], shapes, 1e-3)
    with pytest.raises(UserError, match="no delay"):
        Circuit({"a": IF(), "b": IF()}, [Projection("a", "b"), Projection("b", "a")], shapes, 1e-3)
    with pytest.raises(UserError, match="no delay"):
        Circuit({"a": IF()}, [Projection("a", "a")], shapes, 1e-3)
    with pytest.raises(UserError, match="not 0"):
        Circuit({"a": IF()}, [Projection("input", "a"), Projection("a", "output")], shapes, 1e-3)(
            torch.ones(1, 1, 1), dt=2e-3
        )


def test_groups_come_after_those_that_lead_to_them():
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("x", "a")]
    assert groups("dcba", edges) == [("a",), ("c", "b"), ("d",)]
    assert groups([str(i) for i in range(3000)], [(str(i), str(i + 1)) for i in range(2999)])[-1] == ("2999",)
