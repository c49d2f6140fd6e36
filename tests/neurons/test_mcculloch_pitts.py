"""McCullochPitts: a threshold."""

from __future__ import annotations

import torch

from snnctl.neurons import McCullochPitts
from snnctl.surrogates import Triangle


def test_it_fires_where_the_input_reaches_threshold_and_forgets():
    x = torch.tensor([0.5, 1.0, 1.5, 0.5, -2.0]).view(-1, 1, 1)
    assert McCullochPitts()(x, dt=1e-3)[0].flatten().tolist() == [0, 1, 1, 0, 0]
    assert McCullochPitts(fire="gt")(x, dt=1e-3)[0].flatten().tolist() == [0, 0, 1, 0, 0]
    assert McCullochPitts(threshold=0.5)(x, dt=1.0)[0].flatten().tolist() == [1, 1, 1, 1, 0]


def test_its_gradient_is_the_surrogate():
    x = torch.tensor([0.5, 1.0, 3.0]).view(1, 1, -1).requires_grad_()
    McCullochPitts(surrogate=Triangle())(x, dt=1e-3)[0].sum().backward()
    assert x.grad.flatten().tolist() == [0.5, 1.0, 0.0]
