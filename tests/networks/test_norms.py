"""Batch norms that know of time or of the threshold."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import BatchNormThroughTime, Network, NeuNorm, TemporalEffectiveBatchNorm, ThresholdBatchNorm
from snnctl.neurons import LIF

DT = 1e-3
IMAGE = Facts((3, 5, 4), ("a", "b"), DT, 6)
NORMS = [
    ThresholdBatchNorm,
    TemporalEffectiveBatchNorm,
    BatchNormThroughTime,
    NeuNorm,
    partial(ThresholdBatchNorm, threshold=0.5, alpha=0.7),
]


@pytest.mark.parametrize("norm", NORMS)
def test_in_a_network_in_parts_and_without_memory(norm):
    layers = {"conv": partial(nn.Conv2d, out_channels=4, kernel_size=3), "norm": norm,
              "n": partial(LIF, backend="eager"), "flat": nn.Flatten, "fc": nn.Linear}  # fmt: skip
    net, x = Network(layers, IMAGE), torch.randn(6, 3, 3, 5, 4)
    out, _ = net(x)
    assert out.shape == (6, 3, 2)
    out.sum().backward()
    assert all(p.grad is not None for p in net.layers["norm"].parameters())
    whole, _ = net.eval()(x)
    first, state = net(x[:2])
    torch.testing.assert_close(torch.cat([first, net(x[2:], state)[0]]), whole)
    with torch.device("meta"):
        assert Network(layers, IMAGE)(torch.empty(6, 2, 3, 5, 4, device="meta"))[0].shape == (6, 2, 2)


@given(threshold=st.floats(0.1, 5.0), alpha=st.floats(0.1, 1.0))
@settings(max_examples=20, deadline=None)
def test_currents_are_as_wide_as_the_threshold(threshold, alpha):
    y = ThresholdBatchNorm(2, threshold, alpha)(3 * torch.randn(500, 2, 4) + 1)
    assert y.std((0, 2)).detach().tolist() == pytest.approx([alpha * threshold] * 2, rel=1e-2)
    assert y.mean((0, 2)).abs().max() < 1e-4


def test_each_step_is_scaled_by_its_own_number():
    norm, x = TemporalEffectiveBatchNorm(2, steps=3), torch.randn(3, 8, 2)
    plain, _ = norm(x, dt=DT)
    norm.scale.data.copy_(torch.tensor([1.0, 2.0, -1.0]))
    scaled, _ = norm(x, dt=DT)
    torch.testing.assert_close(scaled, plain * torch.tensor([1.0, 2.0, -1.0])[:, None, None])


def test_each_step_has_statistics_of_its_own():
    norm = BatchNormThroughTime(2, steps=3)
    x = torch.randn(3, 400, 2) * torch.tensor([1.0, 5.0, 0.1])[:, None, None]
    y, state = norm(x, dt=DT)
    torch.testing.assert_close(y.std(1), torch.ones(3, 2), rtol=1e-2, atol=1e-2)
    assert state.seen == 3
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * x.var(1))


def test_activity_around_is_subtracted_by_hand():
    norm = NeuNorm((2, 1), k=0.5)
    norm.weight.data.copy_(torch.tensor([[1.0], [2.0]]))
    x = torch.tensor([[1.0, 1.0], [0.0, 0.0]])[:, None, :, None]
    y, state = norm(x, dt=DT)  # u = 0.5 / 4 * 2 = 0.25, then half of it
    torch.testing.assert_close(y[:, 0, :, 0], torch.tensor([[0.75, 0.5], [-0.125, -0.25]]))
    assert state.u.item() == 0.125


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ThresholdBatchNorm(2, threshold=0.0), "threshold is 0.0"),
        (lambda: TemporalEffectiveBatchNorm(2, steps=None), "steps is None"),
        (lambda: BatchNormThroughTime(2), "dataset.duration"),
        (lambda: BatchNormThroughTime(2, steps=3)(torch.rand(4, 2, 2), dt=DT), "4 steps"),
        (lambda: BatchNormThroughTime(2, steps=3)(torch.rand(3, 2, 5), dt=DT), "wanted"),
        (lambda: BatchNormThroughTime(2, steps=3)(torch.rand(3, 1, 2), dt=DT), "variance"),
        (lambda: NeuNorm((2, 3), k=1.0), "k is 1.0"),
        (lambda: NeuNorm((4,)), "maps"),
    ],
)
def test_mistakes(make, words):
    with pytest.raises(UserError, match=words):
        make()
