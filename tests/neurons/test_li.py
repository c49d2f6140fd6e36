"""LI: traces worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

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
