"""STP: steps worked out by hand, and how synapses tire and warm up."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import STP

DT = 1e-3


def run(neuron: STP, values: list[float]):
    out, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return out.flatten().tolist(), traces["u"].flatten().tolist(), traces["r"].flatten().tolist()


def test_by_hand():
    neuron = STP(tau_f=2 * DT, tau_d=4 * DT, use=0.5, decay="euler")
    out, u, r = run(neuron, [1.0, 0.0, 1.0])
    assert u == [0.5, 0.25, 0.5]  # 0.125 + 0.5 * 0.75
    assert r == [0.5, 0.625, 0.40625]  # 0.5 + 0.5 / 4; then 0.625 + 0.375 / 4 - 0.3125
    assert out == [0.5, 0.0, 0.3125]


def through(neuron: STP) -> list[float]:
    x = torch.zeros(100, 1, 1)
    x[::20] = 1.0
    return neuron(x, dt=DT)[0].flatten()[::20].tolist()


def test_it_tires_or_warms_up():
    tired, warm = through(STP(tau_f=20e-3, tau_d=750e-3, use=0.45)), through(STP(tau_f=1.0, tau_d=20e-3, use=0.05))
    assert tired == sorted(tired, reverse=True) and tired[-1] < 0.5 * tired[0]
    assert warm == sorted(warm) and warm[-1] > 2 * warm[0]


@given(seed=st.integers(0, 99), use=st.floats(0.01, 1.0), tau_f=st.floats(1e-3, 5.0), tau_d=st.floats(1e-3, 5.0))
@settings(max_examples=25, deadline=None)
def test_shares_stay_shares(seed, use, tau_f, tau_d):
    x = (torch.rand(60, 2, 3, generator=torch.Generator().manual_seed(seed)) < 0.3).float()
    out, _, traces = STP(use=use, tau_f=tau_f, tau_d=tau_d, backend="eager").trace(x, dt=DT)
    for trace in (out, traces["u"], traces["r"]):
        assert trace.min() >= -1e-6 and trace.max() <= 1 + 1e-6


@pytest.mark.parametrize("options, problem", [
    ({"use": 0.0}, "use is 0"), ({"use": 1.2}, "use is 1.2"), ({"tau_d": 0.0}, "tau_d is 0 s"),
    ({"decay": "bitshift"}, "decay is 'bitshift'"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        STP(**options)
