"""ReLU: the stateless stand-in."""

from __future__ import annotations

import torch

from snnctl.neurons import ReLU


def test_negative_values_become_zero_and_nothing_is_kept():
    x = torch.tensor([-1.0, 0.0, 2.5]).view(3, 1, 1)
    out, state = ReLU()(x, dt=1e-3)
    assert out.flatten().tolist() == [0.0, 0.0, 2.5]
    assert state == () and ReLU.spiking is False and list(ReLU().state_dict()) == []
    assert ReLU().trace(x, dt=1e-3)[2] == {}


def test_an_input_constant_in_time_is_computed_once():
    x = torch.randn(1, 4, 3).expand(10, 4, 3)
    out, _ = ReLU()(x, dt=1e-3)
    assert out.stride(0) == 0 and torch.equal(out, torch.relu(x))
