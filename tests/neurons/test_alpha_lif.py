"""AlphaLIF: its kernel, its reset, its ranges."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import AlphaLIF

DT = 1e-3
LN2 = math.log(2)
BY_HAND = {"tau_fall": DT / LN2, "tau_rise": DT / (2 * LN2)}  # decays 1/2 and 1/4, gain 2


def run(neuron: AlphaLIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist(), traces["falling"].flatten().tolist()


def test_an_input_rises_and_falls():
    s, v, falling = run(AlphaLIF(**BY_HAND), [1.0, 0.0, 0.0])
    assert s == [0, 0, 0]
    assert v == pytest.approx([0.0, 0.5, 0.375]) and falling == pytest.approx([1.0, 0.5, 0.25])


def test_a_spike_empties_both_traces():
    s, v, falling = run(AlphaLIF(threshold=0.5, **BY_HAND), [1.0, 0.0, 0.0, 2.0])
    assert s == [0, 1, 0, 0] and v == pytest.approx([0, 0, 0, 0]) and falling == pytest.approx([1, 0, 0, 2])


def test_a_delayed_reset_discards_what_arrives_with_it():
    s, v, falling = run(AlphaLIF(threshold=0.5, reset_delay="with_input", **BY_HAND), [1.0, 0.0, 2.0, 1.0])
    assert s == [0, 1, 0, 0] and v == pytest.approx([0, 0.5, 0, 0]) and falling == pytest.approx([1, 0.5, 0, 1])


def test_the_response_is_its_formula():
    fall, rise = 9e-3, 3e-3
    x = torch.zeros(60, 1, 1, dtype=torch.float64)
    x[0] = 1.0
    v = AlphaLIF(tau_fall=fall, tau_rise=rise, reset="none").trace(x, dt=DT)[2]["v"].flatten()
    t = torch.arange(60, dtype=torch.float64) * DT
    assert torch.allclose(v, 1.5 * (torch.exp(-t / fall) - torch.exp(-t / rise)), atol=1e-12)


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"tau_fall": 5e-3, "tau_rise": 5e-3}, "tau_fall is 0.005 s"),
        ({"reset": "subtract"}, "reset is 'subtract'"),
        ({"max_spikes": None}, "max_spikes is None"),
        ({"ternary": True}, "ternary is True"),
        ({"tau_rise": -1.0}, "tau_rise is -1 s"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options, problem):
    with pytest.raises(UserError) as error:
        AlphaLIF(**options)
    assert error.value.problem.startswith(f"AlphaLIF: {problem}")
