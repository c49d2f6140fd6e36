"""Rate: traces worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import Rate

DT = 1e-3


def run(neuron: Rate, values: list[float]) -> list[float]:
    return neuron(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)[0].flatten().tolist()


def test_it_gives_what_is_above_threshold():
    assert run(Rate(tau_mem=2 * DT), [1.0, 1.0, -4.0]) == [0.5, 0.75, 0.0]
    assert run(Rate(tau_mem=2 * DT, threshold=0.25), [1.0, 1.0, -4.0]) == [0.25, 0.5, 0.0]


def test_its_other_activations():
    assert run(Rate(tau_mem=2 * DT, activation="tanh"), [1.0]) == pytest.approx([math.tanh(0.5)])
    expected = (1 + math.tanh(0.25)) / 2
    assert run(Rate(tau_mem=2 * DT, activation="sigmoid", threshold=0.25), [1.0]) == pytest.approx([expected])


def test_it_does_not_spike():
    assert Rate.spiking is False


def test_an_unknown_activation_is_named():
    with pytest.raises(UserError, match="Rate: activation is 'step'"):
        Rate(activation="step")
