"""CubaLIF: traces worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import CubaLIF

DT = 1e-3
HALF = {"tau_mem": 2 * DT, "tau_syn": 2 * DT, "decay": "euler"}  # both decays 1/2


def run(neuron: CubaLIF, values: list[float]):
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["i"].flatten().tolist(), traces["v"].flatten().tolist()


def test_the_input_arrives_whole():
    s, i, v = run(CubaLIF(**HALF), [1.0, 0.0, 1.0, 0.0])
    assert i == [1.0, 0.5, 1.25, 0.625]
    assert s == [1, 0, 1, 0]
    assert v == [0.0, 0.5, 0.5, 0.875]  # 1 - 1, 0/2 + 0.5, 0.25 + 1.25 - 1, 0.25 + 0.625


def test_the_input_has_decayed_when_it_arrives():
    s, i, v = run(CubaLIF(synapse="add_then_decay", **HALF), [1.0, 0.0, 1.0, 0.0])
    assert i == [0.5, 0.25, 0.625, 0.3125]
    assert s == [0, 0, 0, 0]
    assert v == [0.5, 0.5, 0.875, 0.75]


def test_two_time_constants():
    neuron = CubaLIF(tau_mem=4 * DT, tau_syn=2 * DT, decay="euler", input_gain="dt/tau")
    s, i, v = run(neuron, [2.0, 0.0, 0.0])
    assert i == [2.0, 1.0, 0.5]
    assert v == [0.5, 0.625, 0.59375]  # 3/4 v + 1/4 i
    assert s == [0, 0, 0]


def test_current_gathers_while_refractory():
    s, i, v = run(CubaLIF(refractory=1e-3, **HALF), [1.0, 1.0, 0.0])
    assert i == [1.0, 1.5, 0.75]
    assert s == [1, 0, 0]
    assert v == [0.0, 0.0, 0.75]


def test_an_unknown_order_is_named():
    with pytest.raises(UserError, match="CubaLIF: synapse is 'add_first'") as error:
        CubaLIF(synapse="add_first")
    assert "add_then_decay" in error.value.hint
