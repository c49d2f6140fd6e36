"""A convolution and its pooling in one."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits.layers import SumPool2d
from snnctl.datasets.facts import Facts
from snnctl.kernels.pooling import Pooling
from snnctl.networks import Network
from snnctl.networks.strided import StridedConv2d, can_stride


@given(
    kernel=st.sampled_from([1, 2, 3, (3, 5)]),
    padding=st.sampled_from([0, 1, (2, 0), "same", "valid"]),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    size=st.integers(1, 3),
    mean=st.booleans(),
    height=st.integers(8, 11),
    width=st.integers(8, 11),
)
def test_it_is_the_pooled_convolution(kernel, padding, groups, bias, size, mean, height, width):
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, kernel, padding=padding, groups=groups, bias=bias).double()
    pool = nn.AvgPool2d(size) if mean else SumPool2d(size)
    x = torch.randn(3, 2, height, width, dtype=torch.float64, requires_grad=True)
    if not can_stride(conv):
        assert padding == "same" and kernel == 2
        return
    y, expected = StridedConv2d(conv, Pooling(size, mean))(x), pool(conv(x))
    torch.testing.assert_close(y, expected)
    g, learned = torch.randn_like(y), [x, *conv.parameters()]
    torch.testing.assert_close(torch.autograd.grad(y, learned, g), torch.autograd.grad(expected, learned, g))


@pytest.mark.parametrize("options", [{"stride": 2}, {"dilation": 2}, {"padding_mode": "circular", "padding": 1}])
def test_other_convolutions_stay_as_they_are(options):
    assert not can_stride(nn.Conv2d(2, 4, 3, **options))


def test_a_network_runs_them_in_one_unless_somebody_looks_on():
    conv = partial(nn.Conv2d, out_channels=4, kernel_size=3, padding="same")
    layers = {"conv": conv, "pool": partial(nn.AvgPool2d, kernel_size=2)}
    net = Network(layers, Facts(shape=(2, 8, 7), classes=(), dt=1e-3, steps=3))
    x = torch.rand(3, 2, 2, 8, 7, generator=torch.Generator().manual_seed(0))
    fused = net(x)[0]
    conv, pool = net.layers.values()
    expected = pool(conv(x.flatten(0, 1))).unflatten(0, (3, 2))
    torch.testing.assert_close(fused, expected)
    seen = []
    handle = conv.register_forward_hook(lambda layer, args, out: seen.append(out.shape))
    assert torch.equal(net(x)[0], expected)
    assert seen == [(6, 4, 8, 7)]
    handle.remove()
    assert torch.equal(net(x)[0], fused)
