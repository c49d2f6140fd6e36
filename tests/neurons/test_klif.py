"""KLIF: traces worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import KLIF, LIF

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "decay": "euler"}  # decay 1/2


def run(neuron: KLIF, values: list[float]) -> tuple[list[float], list[float]]:
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist()


def test_the_slope_scales_the_membrane_that_stays():
    s, v = run(KLIF(k=2.0, **HALF), [0.25, 0.25, -1.0, 0.5])
    assert s == [0, 1, 0, 1]  # f = 0.5, 1, 0 (rectified), 1
    assert v == [0.5, 0.0, 0.0, 0.0]


def test_scale_reset_takes_the_slope_back():
    s, v = run(KLIF(k=2.0, scale_reset=True, **HALF), [0.25, 0.5, 0.25])
    assert s == [0, 1, 0]  # f = 0.5, 1.25, 0.625 (0.125 / 2 + 0.25 = 0.3125)
    assert v == [0.25, 0.125, 0.3125]


@pytest.mark.parametrize("delay", [False, True])
def test_a_value_is_reset_to_unscaled_now_or_later(delay):
    neuron = KLIF(k=2.0, scale_reset=True, reset="value", v_reset=0.25, reset_delay=delay, **HALF)
    s, v = run(neuron, [0.5, 0.0])
    assert s == [1, 0]
    assert v == ([0.25, 0.125] if not delay else [0.5, 0.25])


def test_a_delayed_subtraction_is_the_scaled_threshold():
    s, v = run(KLIF(k=2.0, scale_reset=True, reset_delay=True, **HALF), [0.75, 0.5])
    assert s == [1, 0]
    assert v == [0.75, 0.375]  # 0.75 / 2 - 1 / 2 + 0.5


def test_a_slope_of_1_on_positive_membranes_is_a_lif():
    x = torch.rand(50, 2, 3)
    assert torch.equal(KLIF(reset="zero")(x, dt=DT)[0], LIF(reset="zero")(x, dt=DT)[0])


def test_a_slope_must_be_above_0():
    with pytest.raises(UserError, match="KLIF: k is 0 no unit"):
        KLIF(k=0.0)
