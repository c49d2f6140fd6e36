"""CSRM and its response kernels: sums worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import CSRM
from snnctl.neurons.response import response

DT = 1e-3


def test_kernels_by_hand():
    tau, t = 2e-3, torch.tensor([0.0, 0.5, 1.0, 1.5])  # in units of tau
    e = torch.exp(-t)
    expected = {
        "exponential": e / 2, "alpha": t * e / 2, "alpha_peak": t * e * math.e, "laplacian": e / 4,
        "rectangular": torch.full((4,), 0.25), "triangular": torch.tensor([0.5, 0.25, 0.0, 0.0]),
    }  # fmt: skip
    for kind, kernel in expected.items():
        assert torch.allclose(response(kind, tau, DT, 4e-3), kernel, atol=1e-6), kind


@pytest.mark.parametrize("kind", ["exponential", "alpha", "rectangular"])
def test_a_response_does_not_depend_on_the_step(kind):
    sums = [response(kind, 20e-3, dt, 0.4).sum().item() for dt in (1e-3, 1e-4)]
    assert sums[0] == pytest.approx(sums[1], rel=0.05) and sums[0] == pytest.approx(1.0, rel=0.06)


def test_inputs_and_spikes_add_up():
    options = {"tau": 1e-3, "window": 2e-3, "refractory_window": 3e-3, "eta": 0.5, "tau_mem": 1e-9 + 5e-4}
    neuron = CSRM(response="alpha_peak", decay="euler", **{**options, "tau_mem": 1e-3})  # nothing is left of v
    x = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0]).view(-1, 1, 1)
    s, state, traces = neuron.trace(x, dt=DT)
    # alpha_peak over two steps: 0 at once, 1 a step later
    decay = math.exp(-1)
    assert s.flatten().tolist() == [0, 1, 0, 0, 0]
    assert traces["v"].flatten().tolist() == pytest.approx([0.0, 1.0, 0.5, -0.5 * decay, -0.5 * decay**2], abs=1e-6)
    assert state.inputs.shape == (1, 1, 2) and state.spikes.shape == (1, 1, 3)


def test_its_spikes_may_raise_the_threshold():
    neuron = CSRM(beta=0.5, tau_adapt=2e-3, decay="euler", eta=0.0, tau_mem=1e-3, tau=1e-3, window=1e-3)
    x = torch.tensor([1.0, 1.2, 1.2]).view(-1, 1, 1)
    s, _, traces = neuron.trace(x, dt=DT)  # thresholds 1, 1.25, 1.125
    assert s.flatten().tolist() == [1, 0, 1] and traces["a"].flatten().tolist() == [0.5, 0.25, 0.625]


@pytest.mark.parametrize("options, problem", [
    ({"response": "delta"}, "response is 'delta'"), ({"tau": 0.0}, "tau is 0 s"), ({"window": -1.0}, "window is -1 s"),
    ({"threshold": 0.0}, "threshold is 0"), ({"learnable": "window"}, "window cannot be learned"),
    ({"tau": [1e-3, 2e-3], "per": "neuron"}, "tau is one number"), ({"surrogate": 3}, "surrogate is 3"),
])  # fmt: skip
def test_wrong_values_are_named(options, problem):
    with pytest.raises(UserError, match=problem):
        CSRM(**options)


def test_a_window_below_a_step_is_named():
    with pytest.raises(UserError, match=r"window is 0.0001 s, below a step"):
        CSRM(window=1e-4)(torch.zeros(2, 1, 1), dt=DT)
