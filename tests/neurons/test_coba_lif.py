"""CobaLIF: steps worked out by hand from the equation, and the bounds that conductances keep."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import CobaLIF

DT = 1e-3
HALF = {"tau_mem": 4 * DT, "tau_exc": 2 * DT, "tau_inh": 2 * DT, "e_exc": 3.0, "e_inh": -1.0, "decay": "euler"}


def run(neuron: CobaLIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), {name: trace.flatten().tolist() for name, trace in traces.items()}


def test_eulers_step_by_hand():
    s, traces = run(CobaLIF(**HALF), [1.0, -2.0, 2.0])
    assert s == [0, 0, 1]
    assert traces["g_exc"] == [1.0, 0.5, 2.25] and traces["g_inh"] == [0.0, 2.0, 1.0]
    second = 0.75 + 0.25 * (-0.75 + 0.5 * 2.25 + 2.0 * -1.75)
    third = second + 0.25 * (-second + 2.25 * (3 - second) + (-1 - second))
    assert traces["v"] == pytest.approx([0.75, second, 0.0]) and third > 1


def test_the_exact_step_by_hand():
    _, traces = run(CobaLIF(**{**HALF, "decay": "exact"}), [1.0])
    assert traces["v"] == pytest.approx([1.5 * (1 - math.exp(-0.5))])  # towards (0 + 3) / 2 with 1 + 1 conductances


def test_an_input_may_have_decayed_already_or_come_a_step_later():
    assert run(CobaLIF(**HALF, synapse="add_then_decay"), [1.0])[1]["v"] == [0.375]
    assert run(CobaLIF(**HALF, synapse="next_step"), [1.0, 0.0])[1]["v"] == [0.0, 0.75]


def test_inhibition_at_rest_shunts():
    neuron = CobaLIF(e_inh=-1e-6, threshold=10.0, e_exc=40.0)
    free, shunted = (neuron.trace(torch.tensor([0.2, y]).view(2, 1, 1), dt=DT)[2]["v"][-1] for y in (0.0, -5.0))
    assert 0 < shunted < 0.85 * free


@given(seed=st.integers(0, 99), size=st.sampled_from([0.1, 1.0, 100.0, 1e6]))
@settings(max_examples=25, deadline=None)
def test_the_exact_step_stays_between_the_reversal_potentials(seed, size):
    x = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(seed)) * size
    v = CobaLIF(backend="eager").trace(x, dt=DT)[2]["v"]
    assert v.min() >= -1 - 1e-5 and v.max() <= 4 + 1e-5


@pytest.mark.parametrize("options, problem", [
    ({"e_exc": 0.5}, "e_exc is 0.5"), ({"e_inh": 1.0}, "e_inh is 1"), ({"tau_exc": 0.0}, "tau_exc is 0 s"),
    ({"decay": "bitshift"}, "decay is 'bitshift'"), ({"reset_delay": True}, "reset_delay"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        CobaLIF(**options)
