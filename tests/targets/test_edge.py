"""The step with explicit state: equal to the circuit, in torch, in ONNX Runtime, in ExecuTorch."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons import IF, LI, CubaLIF
from snnctl.targets.edge import Edge, Step
from snnctl.targets.tools import Tool


def circuit() -> Circuit:
    torch.manual_seed(0)
    joined = [
        Projection("input", "hidden", {"fc": nn.Linear(5, 7)}),
        Projection("hidden", "hidden", {"feedback": nn.Linear(7, 7, bias=False)}, 1),
        Projection("hidden", "readout", {"classes": nn.Linear(7, 3)}, 2),
        Projection("readout", "output"),
    ]
    shapes = {"input": (5,), "hidden": (7,), "readout": (3,), "output": (3,)}
    return Circuit({"hidden": CubaLIF(refractory=2e-3), "readout": LI()}, joined, shapes, 1e-3)


def inputs() -> torch.Tensor:
    return (torch.rand(20, 4, 5, generator=torch.Generator().manual_seed(1)) < 0.5).float() * 2


def test_the_step_is_the_circuit():
    net = circuit()
    step = Step(net)
    assert step.names == ["hidden.i", "hidden.v", "hidden.refractory", "readout.v", "hidden.past[2]", "hidden.past[1]"]
    given, (out, _, spikes) = step.over(inputs()), net.trace(inputs())
    assert torch.equal(given.out, out) and torch.equal(given.spikes["hidden"], spikes["hidden"])
    assert 0.05 < spikes["hidden"].mean() < 0.5


def test_a_convolution_and_a_resting_potential():
    conv = {"conv": nn.Conv2d(1, 2, 3, padding=1), "pool": nn.AvgPool2d(2)}
    joined = [Projection("input", "a", conv), Projection("a", "output", {"flat": nn.Flatten()})]
    shapes = {"input": (1, 4, 4), "a": (2, 2, 2), "output": (8,)}
    net = Circuit({"a": IF(threshold=0.3, reset="value", v_reset=-0.1)}, joined, shapes, 1e-3)
    step, x = Step(net), torch.rand(6, 2, 1, 4, 4)
    assert step.initial()[0].unique().tolist() == pytest.approx([-0.1])
    assert torch.equal(step.over(x).out, net(x)[0])


@pytest.mark.parametrize("kind", ["onnx", "executorch"])
def test_the_file_computes_the_same(kind, tmp_path):
    if find_spec(kind) is None or (kind == "onnx" and find_spec("onnxruntime") is None):
        pytest.skip(f"{kind} is not installed")
    target, net = Edge(format=kind), circuit()
    plan = target.plan(net)
    model = target.quantise(net, plan)
    target.build(model, net, plan, tmp_path)
    names = [state["name"] for state in json.loads((tmp_path / "step.json").read_text())["states"]]
    assert names == Step(net).names
    torch.testing.assert_close(target.simulate(tmp_path, inputs()).out, model.run(inputs()).out, atol=1e-6, rtol=1e-6)


def test_a_missing_tool_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Tool, "present", lambda self: False)
    target, net = Edge(), circuit()
    with pytest.raises(UserError, match=r"edge: the package onnx is missing") as caught:
        target.build(target.quantise(net, target.plan(net)), net, target.plan(net), tmp_path)
    assert caught.value.hint == "get it   pip install 'snnctl[edge]'" and caught.value.exit_code == 2
    with pytest.raises(UserError, match="format"):
        Edge(format="onxx")
