"""The Euler adjoint against Norse's own numbers."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from snnctl.datasets.facts import Facts
from snnctl.networks import Network
from snnctl.neurons import CubaLIF
from snnctl.regimes.eventprop.euler import adjoint

# norse.torch.functional.adjoint.lif_adjoint.lif_feed_forward_adjoint_step, Norse 1.1.0, dL/dz[t] = t + 1
INPUT = [2.0, 0, 4, 0, 6, 0, 0, 8, 0, 3]
SPIKES = [[0, 0, 0, 1, 0, 1, 0, 1, 1, 1], [0, 0, 0, 0, 1, 0, 0, 1, 0, 1]]
GRADIENT = [
    [0.03865243, 0.03660861, 0.03275307, 0.02648835, 0.02285274, 0.01716848, 0.01260098, 0.00590721, 0.00244100, 0.0],
    [0.05698849, 0.05426760, 0.04898115, 0.04027827, 0.02707210, 0.02282707, 0.01629710, 0.00677501, 0.00398530, 0.0],
]


def test_the_gradient_is_norses():
    norse = {"tau_syn": 5e-3, "tau_mem": 10e-3, "decay": "euler", "input_gain": "dt/tau", "fire": "gt"}
    neuron = partial(CubaLIF, **norse, reset="value")
    network = Network({"lif": neuron}, Facts((2,), ("a", "b"), 1e-3, 10))
    x = (torch.tensor(INPUT)[:, None, None] * torch.tensor([1.0, 0.7])).requires_grad_()
    with adjoint(network):
        z = network(x)[0]
    (z * torch.arange(1.0, 11)[:, None, None]).sum().backward()
    assert z[:, 0].t().tolist() == SPIKES
    torch.testing.assert_close(x.grad[:, 0].t(), torch.tensor(GRADIENT), rtol=2e-5, atol=1e-7)


def test_a_membrane_that_fires_from_rest_has_the_gradient_of_the_least_slope():
    """Steps as long as tau_syn leave no current from the step before: v- is 0, and 1 / v- would be infinite."""
    neuron = partial(CubaLIF, tau_syn=10e-3, tau_mem=40e-3, decay="euler", input_gain="dt/tau", reset="value")
    network = Network({"lif": neuron}, Facts((1,), ("a",), 10e-3, 1))
    x = torch.tensor([[[8.0]]]).requires_grad_()
    with adjoint(network, least_slope=0.5):
        z = network(x)[0]
    z.sum().backward()
    assert z.item() == 1
    torch.testing.assert_close(x.grad.item(), 0.0)  # one step back from the spike lv is still 0
    x = torch.tensor([[[0.0]], [[8.0]]]).requires_grad_()
    with adjoint(network, least_slope=0.5):
        network(x)[0].sum().backward()
    v_minus = 0.5 / 40e-3
    assert x.grad[:, 0, 0].tolist() == [pytest.approx(1 / v_minus), 0.0]  # dt / tau_syn = 1: li takes lv whole
