"""DSR: traces and gradients by hand."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import DSR

DT = 0.1


def test_without_a_leak_by_hand():
    neuron = DSR(threshold=2.0)
    out, _, traces = neuron.trace(torch.tensor([0.5, 0.5, 2.5, 0.0]).view(-1, 1, 1), dt=DT)
    assert out.flatten().tolist() == [0, 2, 2, 0]  # fires at 1
    assert traces["v"].flatten().tolist() == [0.5, -1.0, -0.5, -0.5]


def test_with_a_leak_by_hand():
    neuron = DSR(threshold=1.0, firing=0.5, tau_mem=DT / math.log(2))  # decay 1/2
    out, _, traces = neuron.trace(torch.tensor([0.5, 1.0, 0.0]).view(-1, 1, 1), dt=DT)
    assert out.flatten().tolist() == pytest.approx([0, 1 / DT, 0])
    assert traces["v"].flatten().tolist() == pytest.approx([0.25, -0.375, -0.1875])


def test_the_gradient_is_that_of_the_clipped_mean():
    neuron = DSR(threshold=2.0, threshold_gain=3.0)
    x = torch.tensor([[[-1.0, 1.0, 5.0]]]).expand(4, 1, 3).clone().requires_grad_()
    out, _ = neuron(x, dt=DT)
    (out * torch.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert x.grad[0, 0].tolist() == [0, 2, 0] and torch.equal(x.grad[0], x.grad[3])  # below, inside, above
    assert neuron.threshold.grad.item() == 3 * 4 * 4  # where the input is above


def test_recent_inputs_weigh_more_with_a_leak():
    neuron = DSR(threshold=1.0, tau_mem=DT / math.log(2), learn_threshold=False)
    early, late = torch.zeros(3, 1, 1), torch.zeros(3, 1, 1)
    early[0], late[2] = 15.0, 15.0  # weights 1/7, 2/7, 4/7; the ceiling is threshold tau / dt = 1.44
    for x, passes in ((early * 0.5, True), (late * 0.5, False)):
        x = x.clone().requires_grad_()
        neuron(x, dt=DT)[0].sum().backward()
        assert x.grad.any() == passes
    assert not neuron.threshold.requires_grad


@pytest.mark.parametrize("options, message", [
    ({"threshold": 0.0}, "threshold is 0.0"), ({"firing": 1.5}, "firing is 1.5"), ({"tau_mem": 0.0}, "tau_mem is 0.0"),
    ({"lowest": -1.0}, "lowest is -1"),
])  # fmt: skip
def test_wrong_values_are_named(options, message):
    with pytest.raises(UserError, match=f"DSR: {message}"):
        DSR(**options)
