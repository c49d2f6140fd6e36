"""LI: traces worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LI

DT = 1e-3


def run(neuron: LI, values: list[float]) -> list[float]:
    out, state = neuron(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)
    assert torch.equal(state.v, out[-1])
    return out.flatten().tolist()


def test_the_membrane_is_the_output():
    assert run(LI(tau_mem=DT / math.log(2)), [1.0, 1.0, 0.0]) == pytest.approx([1.0, 1.5, 0.75], abs=1e-12)


def test_a_constant_input_is_reached_with_the_gain_one_minus_decay():
    assert run(LI(tau_mem=DT / math.log(2), input_gain="1-decay"), [1.0, 1.0, 0.0]) == pytest.approx([0.5, 0.75, 0.375])
    assert run(LI(tau_mem=5e-3, input_gain="1-decay", v_rest=-2.0), [3.0] * 200)[-1] == pytest.approx(1.0)


def test_it_does_not_spike():
    assert LI.spiking is False and "threshold" not in LI.__signature__.parameters


def test_a_synapse_stands_before_the_membrane():
    neuron = LI(tau_mem=2 * DT, tau_syn=2 * DT, decay="euler")
    assert run_v(neuron, [1.0, 0.0, 0.0]) == [1.0, 1.0, 0.75]  # i = 1, 0.5, 0.25


def test_v_min_is_seen_from_the_next_step_on():
    neuron = LI(tau_mem=2 * DT, decay="euler", v_min=-0.5)
    assert run_v(neuron, [-2.0, 0.0, 0.0]) == [-2.0, -0.25, -0.125]


def test_a_v_min_above_rest_is_named():
    with pytest.raises(UserError, match=r"LI: v_min is 0\.5"):
        LI(v_min=0.5)


def run_v(neuron: LI, values: list[float]) -> list[float]:
    return neuron(torch.tensor(values).view(-1, 1, 1), dt=DT)[0].flatten().tolist()
