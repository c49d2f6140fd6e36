"""LIF: traces worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.neurons import LIF

DT = 1e-3
HALF = {"tau_mem": DT / math.log(2)}  # decay = 1/2


def run(neuron: LIF, values: list[float]) -> tuple[list[float], list[float]]:
    s, _, traces = neuron.trace(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist()


def test_it_leaks_adds_fires_and_subtracts():
    s, v = run(LIF(**HALF), [0.75, 0.75, 0.25, 1.5, 0.0])
    assert s == [0, 1, 0, 1, 0]
    assert v == pytest.approx([0.75, 0.125, 0.3125, 0.65625, 0.328125], abs=1e-12)


def test_ten_milliseconds_of_constant_input():
    # exp(-1/20) = 0.951229; v = 0.3 (1 + d + d^2 + ...): 0.3, 0.585369, 0.856820, 1.115032 -> 0.115032, ...
    s, v = run(LIF(tau_mem=20e-3), [0.3] * 8)
    assert s == [0, 0, 0, 1, 0, 0, 0, 1]
    expected = [0.3, 0.5853688, 0.8568202, 0.1150329, 0.4094226, 0.6894548, 0.9558296, 0.2092130]
    assert v == pytest.approx(expected, abs=1e-6)


def test_rest():
    s, v = run(LIF(v_rest=-1.0, **HALF), [1.0, 1.0, 2.0, 0.0])
    assert s == [0, 0, 1, 0]
    assert v == pytest.approx([0.0, 0.5, 0.75, -0.125], abs=1e-12)  # v = -1 + (v + 1) / 2 + x


def test_as_in_the_readme():
    out, state = LIF(tau_mem=20e-3)(torch.full((5, 2, 3), 0.3), dt=1e-3)
    assert out.shape == (5, 2, 3) and out.sum().item() == 6
    assert state.v.shape == (2, 3) and state.due is None and state.refractory is None
