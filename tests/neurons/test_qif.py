"""QIF: traces worked out by hand, and its two ways to rest."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import QIF

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "v_crit": 0.5}


def run(neuron: QIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), {name: trace.flatten().tolist() for name, trace in traces.items()}


def test_the_square_drives_the_membrane():
    s, traces = run(QIF(**HALF), [0.5, 1.5, 0.0])
    assert s == [0, 0, 1]
    assert traces["v"] == [0.25, 0.96875, 0.0]  # 0.25 + (0.25 * -0.25) / 2 + 0.75; then 0.96875 + 0.227 reaches 1


def test_it_adapts_with_a_time_constant():
    s, traces = run(QIF(tau_w=2 * DT, a=1.0, b=0.5, w_follows="charged", **HALF), [2.0, 0.0])
    assert s == [1, 0]
    assert traces["v"] == [0.0, -0.5]
    assert traces["w"] == [1.0, 0.25]  # 1 / 2 of the charged v = 1, and b; then 1 / 2 - 0.5 / 2


def test_below_v_crit_it_falls_back_above_it_fires():
    neuron = QIF(v_crit=0.5)
    s, end = neuron(torch.zeros(300, 1, 2), neuron.State(torch.tensor([[0.45, 0.55]])), dt=DT)
    assert s.sum(0).tolist() == [[0, 1]] and end.v[0, 0].abs() < 0.1


@pytest.mark.parametrize("reset", ["value", "subtract", "none"])
def test_neither_it_nor_its_gradient_overflows(reset):
    x = (torch.randn(40, 2, 3) * 1e6).requires_grad_()
    out, state = QIF(reset=reset)(x, dt=DT)
    out.sum().backward()
    assert state.v.isfinite().all() and x.grad.isfinite().all()


@pytest.mark.parametrize("options, problem", [
    ({"curvature": 0.0}, "curvature is 0"), ({"v_crit": -0.1}, "v_crit is -0.1"),
    ({"v_rest": 0.9}, "v_crit is 0.8"), ({"b": 1.0}, "a and b have no effect"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        QIF(**options)
