"""CLIF: a trace worked out by hand, and what it forbids."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import CLIF

DT = 1e-3


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_complementary_potential_deepens_the_reset():
    neuron = CLIF(tau_mem=2 * DT, decay="euler")  # decay 1/2
    s, _, traces = neuron.trace(torch.tensor([1.5, 0.5, 2.0]).view(-1, 1, 1), dt=DT)
    v0 = 1.5 - (1 + sigmoid(1.0))  # m = 0 + 1
    u1 = v0 / 2 + 0.5
    m1 = sigmoid(u1 / 2)
    u2 = u1 / 2 + 2.0
    m2 = m1 * sigmoid(u2 / 2) + 1
    v2 = u2 - (1 + sigmoid(m2))
    assert s.flatten().tolist() == [1, 0, 1]
    assert traces["m"].flatten().tolist() == pytest.approx([1.0, m1, m2], rel=1e-6)
    assert traces["v"].flatten().tolist() == pytest.approx([v0, u1, v2], rel=1e-5)


def test_m_stays_between_0_and_the_number_of_spikes():
    out, _, traces = CLIF(tau_mem=3e-3).trace(torch.randn(200, 2, 5), dt=DT)
    assert (traces["m"] >= 0).all() and (traces["m"] <= out.cumsum(0)).all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"threshold": 0.0}, "threshold is 0"),
        ({"tau_mem": -1.0}, "tau_mem is -1 s"),
        ({"surrogate": "atan"}, "surrogate is 'atan'"),
        ({"fire": "above"}, "fire is 'above'"),
    ],
)
def test_wrong_values_are_named(options, message):
    with pytest.raises(UserError, match=message):
        CLIF(**options)
