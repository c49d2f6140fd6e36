"""Synapses of every kind: the sum of pairs is what the layer's own gradient would be."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.errors import UserError
from snnctl.networks import Local1d, Local2d, Local3d, SparseLinear, StochasticLinear
from snnctl.plasticity import Homeostasis, PairSTDP
from snnctl.plasticity.connections import changed, pairs

LAYERS = {
    "linear": (lambda: nn.Linear(6, 4), (6,)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, 2, 1), (2, 9)),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, 2, 1, groups=2), (2, 7, 6)),
    "conv2d_dilated": (lambda: nn.Conv2d(2, 3, 2, dilation=2), (2, 7, 6)),
    "conv2d_same": (lambda: nn.Conv2d(2, 3, 4, padding="same"), (2, 7, 6)),
    "conv2d_circular": (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 7, 6)),
    "conv3d": (lambda: nn.Conv3d(1, 2, 2), (1, 4, 4, 3)),
    "local1d": (lambda: Local1d((2, 9), 3, 3, 2), (2, 9)),
    "local2d": (lambda: Local2d((2, 6, 7), 3, 2, 1), (2, 6, 7)),
    "local3d": (lambda: Local3d((1, 4, 4, 3), 2, 2), (1, 4, 4, 3)),
}


@pytest.mark.parametrize("kind", LAYERS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=3, deadline=None)
def test_pairs_are_the_gradient_of_the_layer(kind, seed):
    torch.manual_seed(seed)
    make, shape = LAYERS[kind]
    layer, pre = make(), torch.rand(3, *shape)
    out = layer(pre)
    post = torch.rand_like(out)
    (wanted,) = torch.autograd.grad((out * post).sum(), layer.weight)
    torch.testing.assert_close(pairs(layer, pre, post), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "conv2d_dilated", "conv3d", "local1d", "local2d", "local3d"])
def test_without_a_presynaptic_factor_every_input_is_one(kind):
    make, shape = LAYERS[kind]
    layer = make()
    post = torch.rand_like(layer(torch.rand(2, *shape)))
    torch.testing.assert_close(pairs(layer, None, post), pairs(layer, torch.ones(2, *shape), post))


def test_a_convolution_without_presynaptic_factor_sums_over_places():
    layer, post = nn.Conv2d(2, 3, 3, padding=1), torch.rand(2, 3, 5, 5)
    wanted = post.sum((0, 2, 3)).view(3, 1, 1, 1).expand(3, 2, 3, 3)
    torch.testing.assert_close(pairs(layer, None, post), wanted)


def test_missing_synapses_stay_missing():
    torch.manual_seed(0)
    layer, rule = SparseLinear(8, 5, 0.5), PairSTDP(eta_plus=0.1, low=0.0, high=1.0)
    pre, post = torch.ones(2, 8), torch.ones(2, 5)
    terms, _ = rule.step(pre, post, rule.initial_state(pre, post), rule.coefficients(1e-3))
    w = changed(layer, rule, terms, 2)[0]
    assert (w[layer.mask == 0] == 0).all()
    assert (w[layer.mask > 0] != layer.weight[layer.mask > 0]).any()


def test_unreliable_synapses_learn_as_dense_ones():
    layer, dense = StochasticLinear(6, 4), nn.Linear(6, 4)
    pre, post = torch.rand(2, 6), torch.rand(2, 4)
    assert torch.equal(pairs(layer, pre, post), pairs(dense, pre, post))


def test_a_mean_over_samples_does_not_grow_with_the_batch():
    layer = nn.Linear(3, 2, bias=False)
    pre, post = torch.ones(1, 3), torch.ones(1, 2)

    def change(reduction, batch):
        rule = PairSTDP(reduction=reduction)
        x, y = pre.expand(batch, 3), post.expand(batch, 2)
        terms, _ = rule.step(x, y, rule.initial_state(x, y), rule.coefficients(1e-3))
        return changed(layer, rule, terms, batch)[0] - layer.weight.detach()

    torch.testing.assert_close(change("mean", 4), change("mean", 1))
    torch.testing.assert_close(change("sum", 4), 4 * change("sum", 1))


def test_layers_without_plastic_weights_are_named():
    with pytest.raises(UserError, match="BatchNorm1d has no plastic weights"):
        pairs(nn.BatchNorm1d(3), torch.ones(1, 3), torch.ones(1, 3))


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_bounded_weights_stay_bounded(w, seed):
    draw = torch.Generator().manual_seed(seed)
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data.copy_(torch.tensor(w).view(2, 2))
    for rule in (PairSTDP(eta_plus=0.4, eta_minus=0.5, low=0.0, high=1.0), Homeostasis(eta=9.0, low=0.0, high=1.0)):
        pre = (torch.rand(3, 2, generator=draw) < 0.5).float()
        coefs, state = rule.coefficients(1e-3), rule.initial_state(pre, pre)
        for _ in range(5):
            terms, state = rule.step(pre, pre, state, coefs)
            after = changed(layer, rule, terms, 3)[0]
            assert 0 <= after.min() <= after.max() <= 1
            layer.weight.data.copy_(after)
