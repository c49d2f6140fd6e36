"""LIAF: the membrane of a LIF, another output."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import LIAF, LIF

DT = 1e-3


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "identity"])
def test_its_membrane_is_that_of_a_lif(activation):
    x = torch.randn(60, 2, 3)
    out, _, traces = LIAF(activation=activation, from_threshold=False).trace(x, dt=DT)
    s, _, lif = LIF().trace(x, dt=DT)
    assert torch.equal(traces["v"], lif["v"])
    before = lif["v"] + s  # before the threshold of 1 was subtracted
    expected = before if activation == "identity" else getattr(torch, activation)(before)
    torch.testing.assert_close(out, expected)


def test_it_is_silent_up_to_the_threshold():
    out, _ = LIAF(tau_mem=2 * DT, decay="euler")(torch.tensor([0.5, 1.0, 0.5]).view(-1, 1, 1), dt=DT)
    assert out.flatten().tolist() == [0.0, 0.25, 0.0]  # v = 0.5, 1.25 (spike, 0.25 left), 0.625
    assert not LIAF.spiking


def test_an_activation_that_is_not_there():
    with pytest.raises(UserError, match="activation is 'gelu'"):
        LIAF(activation="gelu")
