"""EIF and AdEx: traces worked out by hand, the onset of the spike, and what cannot overflow."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import EIF, LIF, AdEx

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "theta": 1.0, "delta": 0.5, "threshold": 1.0}


def run(neuron: EIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), {name: trace.flatten().tolist() for name, trace in traces.items()}


def test_the_exponential_drives_the_membrane():
    s, traces = run(EIF(**HALF), [1.0, 1.5, 0.0])
    first = 0.5 * 0.5 * math.exp(-2) + 0.5
    second = 0.5 * first + 0.25 * math.exp((first - 1) / 0.5) + 0.75
    assert s == [0, 1, 0] and second > 1
    assert traces["v"] == pytest.approx([first, 0.0, 0.25 * math.exp(-2)])


def test_the_exponential_euler_rule():
    decay = math.exp(-0.5)
    _, traces = run(EIF(decay="exact", input_gain="1-decay", **HALF), [1.0])
    assert traces["v"] == pytest.approx([(1 - decay) * (1 + 0.5 * math.exp(-2))])


def test_adaptation_follows_the_membrane_and_jumps():
    s, traces = run(AdEx(tau_w=4 * DT, a=1.0, b=0.5, **HALF), [1.0, 3.0])
    first = 0.25 * math.exp(-2) + 0.5
    assert s == [0, 1]
    assert traces["w"] == pytest.approx([0.0, 0.25 * first + 0.5])


def test_without_adaptation_adex_is_eif():
    x = torch.rand(80, 2, 3) * 2
    assert torch.equal(AdEx(tau_w=None, a=0.0, b=0.0)(x, dt=DT)[0], EIF()(x, dt=DT)[0])


def test_a_narrow_onset_is_a_lif_that_fires_at_theta():
    x = torch.rand(1000, 2, 3, generator=torch.Generator().manual_seed(0)) * 2
    sharp = EIF(delta=1e-3, theta=0.7)(x, dt=DT)[0]
    lif = LIF(threshold=0.7, decay="euler", input_gain="dt/tau", reset="zero")(x, dt=DT)[0]
    assert lif.sum() > 30 and (sharp.sum() - lif.sum()).abs() <= 0.1 * lif.sum()


def test_above_its_rheobase_it_fires_by_itself():
    v = torch.tensor([[0.85, 0.98]])
    neuron = EIF(threshold=1.5, theta=0.7, delta=0.1)  # dv/dt = 0 at 0.905
    s, _ = neuron(torch.zeros(200, 1, 2), neuron.State(v), dt=DT)
    assert s.sum(0).tolist() == [[0, 1]]


@given(
    size=st.sampled_from([1.0, 1e3, 1e6, 1e30]),
    delta=st.sampled_from([1e-3, 0.1, 10.0]),
    reset=st.sampled_from(["value", "subtract", "none"]),
    seed=st.integers(0, 9),
)
@settings(max_examples=30, deadline=None)
def test_neither_it_nor_its_gradient_overflows(size, delta, reset, seed):
    x = torch.randn(40, 2, 3, generator=torch.Generator().manual_seed(seed)) * size
    neuron = AdEx(delta=delta, reset=reset, backend="eager", learnable=["delta", "theta"])
    x.requires_grad_()
    out, state = neuron(x, dt=DT)
    out.sum().backward()
    assert out.isfinite().all() and state.v.isfinite().all() and x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in neuron.parameters())


@pytest.mark.parametrize("options, problem", [
    ({"delta": 0.0}, "delta is 0"), ({"theta": math.inf}, "theta is inf"), ({"threshold": -0.1}, "threshold is -0.1"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        EIF(**options)
