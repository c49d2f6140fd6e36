"""MPBNLIF: the norm in training and after it."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LIF, MPBNLIF

DT = 1e-3


def trained(**options) -> MPBNLIF:
    torch.manual_seed(0)
    neuron = MPBNLIF(shape=(3,), **options)
    with torch.no_grad():
        neuron.norm.weight.uniform_(0.5, 1.5)
        neuron.norm.bias.uniform_(-0.3, 0.6)
    neuron(torch.randn(30, 8, 3), dt=DT)
    return neuron


def test_in_training_each_step_is_normalised_over_the_batch():
    neuron = MPBNLIF(shape=(3,), reset="none", threshold=5.0)
    _, _, traces = neuron.trace(torch.randn(10, 16, 3) * 4 + 2, dt=DT)
    torch.testing.assert_close(traces["v"].mean(1), torch.zeros(10, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(traces["v"].var(1, unbiased=False), torch.ones(10, 3), atol=1e-3, rtol=0)


def test_in_evaluation_it_is_the_norm_of_torch_and_samples_do_not_see_each_other():
    neuron = trained(learnable=["tau_mem"]).eval()
    x = torch.randn(20, 4, 3)
    out, _, traces = neuron.trace(x, dt=DT)
    v = torch.zeros(4, 3)
    for t in range(20):
        v = neuron.norm(torch.exp(-DT / neuron.tau_mem) * v + x[t])
        assert torch.equal(out[t], (v >= 1).float())
        v = v - out[t]
        torch.testing.assert_close(traces["v"][t], v)
    assert torch.equal(neuron(x, dt=DT)[0], out) and torch.equal(neuron(x[:, 2:3], dt=DT)[0], out[:, 2:3])
    assert neuron.runs_on(x[0], DT).name == "cpu"


def test_a_fresh_norm_in_evaluation_is_nearly_a_lif():
    x = torch.rand(30, 4, 3)
    assert torch.equal(MPBNLIF(shape=(3,), eps=1e-12).eval()(x, dt=DT)[0], LIF()(x, dt=DT)[0])


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 4, 4), (3, 2, 2, 2)])
def test_maps_have_a_norm_a_channel(shape):
    neuron = MPBNLIF(shape=shape)
    for _ in ("training", "evaluation"):
        assert neuron(torch.rand(4, 2, *shape), dt=DT)[0].shape == (4, 2, *shape)
        neuron.eval()
    assert len(neuron.norm.weight) == 3


def test_what_runs_it_is_told():
    neuron = trained()
    assert "batch" in neuron.runs_on(torch.zeros(2, 3), DT).why


def test_one_value_a_channel_has_no_variance():
    with pytest.raises(UserError, match="more than one value a channel"):
        MPBNLIF(shape=(3,))(torch.rand(5, 1, 3), dt=DT)


@pytest.mark.parametrize("options, message", [
    ({}, "shape is None"), ({"shape": (3,), "momentum": 2.0}, "momentum is 2.0"), ({"shape": (3,), "eps": 0.0}, "eps"),
])  # fmt: skip
def test_wrong_values_are_named(options, message):
    with pytest.raises(UserError, match=message):
        MPBNLIF(**options)
