"""FewSpike: digits and tables."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import FewSpike

DT = 1e-3


def test_a_table_by_hand():
    neuron = FewSpike(thresholds=[1.0, 0.5], resets=[0.75, 0.25], weights=[2.0, 0.1])
    out, _, traces = neuron.trace(torch.tensor([0.5, 0.75]).view(-1, 1, 1), dt=DT)  # 1.25 in all
    assert out.flatten().tolist() == pytest.approx([2.0, 0.1])
    assert traces["v"].flatten().tolist() == [0.5, 0.25]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 255))
def test_the_default_writes_binary_digits(eighth):
    x = torch.zeros(8, 1, 1)
    x[3] = eighth / 256
    out, _ = FewSpike(steps=8)(x, dt=DT)
    assert out.sum().item() == eighth / 256
    assert [int(b) for b in f"{eighth:08b}"] == (out.flatten() > 0).int().tolist()


def test_it_learns_through_its_sum():
    x = torch.full((8, 2, 3), 0.08, requires_grad=True)
    FewSpike(steps=8)(x, dt=DT)[0].sum().backward()
    assert (x.grad[0] == x.grad[7]).all() and x.grad.any()


@pytest.mark.parametrize("options, message", [
    ({}, "steps is None"), ({"steps": 4, "highest": 0.0}, "highest is 0.0"),
    ({"thresholds": [1.0], "resets": [1.0]}, "lists of different lengths: thresholds 1, resets 1, weights 0"),
])  # fmt: skip
def test_wrong_values_are_named(options, message):
    with pytest.raises(UserError, match=message):
        FewSpike(**options)


def test_a_longer_sequence_and_a_state_are_refused():
    neuron = FewSpike(steps=3)
    with pytest.raises(UserError, match="a sequence of 4 steps"):
        neuron(torch.rand(4, 1, 1), dt=DT)
    with pytest.raises(UserError, match="cannot go on from a state"):
        neuron(torch.rand(2, 1, 1), neuron(torch.rand(2, 1, 1), dt=DT)[1], dt=DT)
