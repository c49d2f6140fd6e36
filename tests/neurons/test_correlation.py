"""CorrelationSensor: traces worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import CorrelationSensor

DT = 1e-3
HALF = {"tau_c": 2 * DT, "tau_a": 2 * DT, "decay": "euler"}


def at(*times: int, steps: int = 5) -> torch.Tensor:
    spikes = torch.zeros(steps, 1, 1)
    spikes[list(times)] = 1.0
    return spikes


def test_the_causal_trace_keeps_what_is_left_when_the_output_fires():
    state = CorrelationSensor(**HALF)(at(0), at(2), dt=DT)
    assert [f.item() for f in state] == [1.0, 0.25, 0.25]  # held from the third step on; the other decays from there


def test_the_anticausal_trace_keeps_what_is_left_when_the_input_fires():
    state = CorrelationSensor(**HALF, eta_a=0.5)(at(2), at(0), dt=DT)
    assert [f.item() for f in state] == [0.0, 0.25, 0.125]


def test_every_synapse_has_its_own():
    pre, post = torch.cat([at(0), at(1), at()], -1), torch.cat([at(1), at(3)], -1)
    state = CorrelationSensor(**HALF)(pre, post, dt=DT)
    assert state.causal.shape == (1, 3, 2)
    assert state.causal[0, 0].tolist() == [0.5, 0.125] and state.causal[0, 2].tolist() == [0.0, 0.0]


def test_a_sequence_may_be_split():
    draw = torch.Generator().manual_seed(0)
    pre, post = ((torch.rand(40, 2, n, generator=draw) < 0.2).float() for n in (4, 3))
    sensor = CorrelationSensor()
    whole = sensor(pre, post, dt=DT)
    halves = sensor(pre[25:], post[25:], sensor(pre[:25], post[:25], dt=DT), dt=DT)
    assert all(torch.equal(a, b) for a, b in zip(whole, halves, strict=True))


def test_wrong_values_are_named():
    with pytest.raises(UserError, match="tau_c is 0 s"):
        CorrelationSensor(tau_c=0.0)
    with pytest.raises(UserError, match="eta_a has 2 values"):
        CorrelationSensor(eta_a=[1.0, 2.0])
    with pytest.raises(UserError, match="spikes of shapes"):
        CorrelationSensor()(torch.zeros(3, 2, 4), torch.zeros(3, 1, 4), dt=DT)
    with pytest.raises(UserError, match="dt is 1 s"):
        CorrelationSensor()(torch.zeros(3, 2, 4), torch.zeros(3, 2, 4), dt=1)
