"""Integrator: a running sum."""

from __future__ import annotations

import torch

from snnctl.neurons import Integrator


def test_it_adds_up_and_goes_on_from_its_state():
    x = torch.arange(6.0).view(-1, 1, 1)
    whole, _ = Integrator()(x, dt=1e-3)
    assert whole.flatten().tolist() == [0, 1, 3, 6, 10, 15]
    _, state = Integrator()(x[:4], dt=1e-3)
    assert Integrator()(x[4:], state, dt=1e-3)[0].flatten().tolist() == [10, 15]


def test_the_step_width_plays_no_part():
    x = torch.randn(20, 2, 3)
    assert torch.equal(Integrator()(x, dt=1e-3)[0], Integrator()(x, dt=1.0)[0])
