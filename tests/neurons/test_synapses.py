"""Synapses as layers: traces worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LIF, AlphaSynapse, CubaLIF, ExpSynapse

DT = 1e-3


def run(neuron, values: list[float]) -> list[float]:
    return neuron(torch.tensor(values, dtype=torch.float64).view(-1, 1, 1), dt=DT)[0].flatten().tolist()


@pytest.mark.parametrize(
    "synapse, expected",
    [("decay_then_add", [1, 0.5, 1.25]), ("add_then_decay", [0.5, 0.25, 0.625]), ("next_step", [0, 1, 0.5])],
)
def test_exponential(synapse, expected):
    neuron = ExpSynapse(tau_syn=2 * DT, decay="euler", synapse=synapse)  # decay 1/2
    assert run(neuron, [1.0, 0.0, 1.0]) == expected


def test_an_exponential_synapse_before_a_lif_is_a_current_based_lif():
    x = torch.rand(50, 2, 3)
    currents, _ = ExpSynapse(tau_syn=5e-3)(0.3 * x, dt=DT)
    assert torch.equal(LIF()(currents, dt=DT)[0], CubaLIF(tau_syn=5e-3)(0.3 * x, dt=DT)[0])


@pytest.mark.parametrize("dt", [1e-3, 0.25e-3])
def test_an_alpha_synapse_is_its_formula_at_every_step(dt):
    tau, steps = 3e-3, 60
    x = torch.zeros(steps, 1, 1, dtype=torch.float64)
    x[0], x[10] = 1.0, -0.5
    t = torch.arange(steps) * dt
    response = torch.where(t >= 0, t / tau * torch.exp(1 - t / tau), 0.0)
    expected = response - 0.5 * torch.cat([torch.zeros(10), response[:-10]])
    out = AlphaSynapse(tau_syn=tau)(x, dt=dt)[0].flatten()
    assert torch.allclose(out, expected.double(), atol=1e-6)


def test_an_alpha_synapse_peaks_at_its_time_constant():
    out = run(AlphaSynapse(tau_syn=5e-3), [2.0] + [0.0] * 20)
    assert out[0] == 0 and max(out) == out[5] == pytest.approx(2.0) and out[10] == pytest.approx(4 / math.e)


@pytest.mark.parametrize("kind", [ExpSynapse, AlphaSynapse])
def test_a_time_constant_below_half_a_step_is_named(kind):
    with pytest.raises(UserError, match=r"tau_syn is 0.0004 s, less than half a step"):
        kind(tau_syn=0.4e-3).coefficients(DT)
    with pytest.raises(UserError, match="tau_syn is 0 s"):
        kind(tau_syn=0.0)


@pytest.mark.parametrize("learnable", [[], ["tau_syn"]])
def test_a_kernel_holds_the_decay_as_the_step_does(learnable):
    x = (torch.rand(50, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    outs = [ExpSynapse(synapse="held", learnable=learnable, backend=b)(x, dt=DT)[0] for b in ("cpu", "eager")]
    assert torch.equal(*outs)


def test_a_spike_holds_the_decay():
    neuron = ExpSynapse(tau_syn=2 * DT, decay="euler", synapse="held")  # decay 1/2 where nothing comes
    x = torch.tensor([1.0, 0.0, 1.0, 0.0]).view(4, 1, 1)
    assert neuron(x, dt=DT)[0].flatten().tolist() == [1.0, 0.5, 1.5, 0.75]
