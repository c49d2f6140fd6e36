"""Lapicque: against the LIF that it is, and by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LIF, Lapicque

DT = 1e-3


def test_by_hand():
    neuron = Lapicque(resistance=4.0, capacitance=0.5e-3)  # RC = 2 ms: decay 1/2; dt / C = 2
    s, _, traces = neuron.trace(torch.tensor([0.25, 0.25, 0.25, 0.0]).view(-1, 1, 1), dt=DT)
    assert traces["v"].flatten().tolist() == [0.5, 0.75, 0.875, 0.4375] and s.sum() == 0


def test_it_is_a_lif_of_its_time_constant():
    x = torch.rand(60, 2, 3)
    circuit, lif = Lapicque(resistance=5.0, capacitance=4e-3), LIF(tau_mem=20e-3, decay="euler", input_gain="dt/tau")
    out, _ = circuit(x, dt=DT)
    assert torch.equal(out, lif(5.0 * x, dt=DT)[0]) and out.sum() > 0


def test_a_constant_current_ends_at_the_voltage_across_the_resistance():
    neuron = Lapicque(resistance=5.0, capacitance=4e-3, reset="none")
    assert neuron.trace(torch.full((400, 1, 1), 0.1), dt=DT)[2]["v"][-1].item() == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("name", ["resistance", "capacitance"])
def test_wrong_values_are_named(name):
    with pytest.raises(UserError, match=f"Lapicque: {name} is 0"):
        Lapicque(**{name: 0.0})
    with pytest.raises(UserError, match=r"resistance \* capacitance is .* s, less than half a step"):
        Lapicque(**{name: 1e-6}).coefficients(DT)
