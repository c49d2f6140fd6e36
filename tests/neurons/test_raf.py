"""RAF: turns worked out by hand, and the rhythm it answers to."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import RAF

DT = 1e-3


def test_a_quarter_of_a_turn_a_step():
    neuron = RAF(tau_mem=DT / math.log(2), frequency=250.0, threshold=0.9)  # decay 1/2
    s, _, traces = neuron.trace(torch.tensor([1.0, 2.0, 0.0, 0.0], dtype=torch.float64).view(-1, 1, 1), dt=DT)
    assert traces["u"].flatten().tolist() == pytest.approx([1.0, 2.0, -0.25, 0.0], abs=1e-12)
    assert traces["v"].flatten().tolist() == pytest.approx([0.0, 0.5, 0.0, -0.125], abs=1e-12)
    assert s.flatten().tolist() == [0, 0, 1, 0]  # v = u / 2 = 1 reaches 0.9


def test_a_spike_may_take_the_current_along():
    options = {"tau_mem": DT / math.log(2), "frequency": 250.0, "threshold": 0.4, "reset_u": True}
    _, _, traces = RAF(**options).trace(torch.tensor([1.0, 2.0]).view(-1, 1, 1), dt=DT)
    assert traces["u"].flatten().tolist() == pytest.approx([1.0, 0.0]) and traces["v"][-1] == 0


@pytest.mark.parametrize("frequency", [10.0, 40.0])
def test_it_resonates_at_its_frequency(frequency):
    t = torch.arange(1000) * DT
    drives = torch.stack([torch.sin(2 * math.pi * f * t) for f in (frequency / 2, frequency, frequency * 2)], -1)
    neuron = RAF(frequency=frequency, tau_mem=100e-3, threshold=1e3)
    peaks = neuron.trace(drives.unsqueeze(1), dt=DT)[2]["v"][700:].abs().amax(0)[0]
    assert peaks[1] > 2 * peaks[0] and peaks[1] > 2 * peaks[2]


@pytest.mark.parametrize("options, problem", [
    ({"frequency": 0.0}, "frequency is 0 Hz"), ({"tau_mem": -1.0}, "tau_mem is -1 s"),
    ({"reset_u": 1}, "reset_u is 1"), ({"reset_delay": True}, "reset_delay"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        RAF(**options)


def test_a_frequency_that_the_step_cannot_follow_is_named():
    with pytest.raises(UserError, match="frequency is 501 Hz, more than half a turn in a step"):
        RAF(frequency=501.0)(torch.zeros(2, 1, 1), dt=DT)
