"""Feedback within populations."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from snnctl.errors import UserError
from snnctl.networks import AllToAll, Recurrent
from snnctl.networks.populations import WithinPopulations
from snnctl.neurons import LIF


@pytest.mark.parametrize("bias", [False, True])
def test_it_is_a_dense_product_with_blocks_on_the_diagonal(bias):
    layer = WithinPopulations((6,), 3, bias=bias)
    if bias:
        layer.bias.data.uniform_()
    dense = torch.block_diag(*layer.synapses())
    s = torch.rand(4, 6)
    torch.testing.assert_close(layer(s), s @ dense.T + (layer.bias if bias else 0))


def test_in_a_recurrent_layer_it_is_all_to_all_with_zeros():
    grouped = Recurrent(LIF(), (6,), partial(WithinPopulations, populations=2))
    full = Recurrent(LIF(), (6,), AllToAll)
    full.feedback.weight.data.copy_(torch.block_diag(*grouped.feedback.weight.data))
    x = torch.rand(20, 2, 6)
    assert torch.equal(grouped(x, dt=1e-3)[0], full(x, dt=1e-3)[0])


@pytest.mark.parametrize("shape, populations", [((6,), 4), ((6,), 0), ((2, 3), 2), ((6,), 1.5)])
def test_neurons_must_divide_into_populations(shape, populations):
    with pytest.raises(UserError, match="populations"):
        WithinPopulations(shape, populations)
