"""A linear layer on channels-last maps."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Network
from snnctl.networks.flat_linear import FlatLinear, flattens_free

FACTS = Facts(shape=(2, 4, 3), classes=("a", "b"), dt=1e-3, steps=5)


def maps(layout: str = "channels_last", steps: int = 5) -> torch.Tensor:
    x = torch.rand(steps * 2, 2, 4, 3, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=getattr(torch, layout)).unflatten(0, (steps, 2))


def test_it_is_the_linear_layer_of_the_flattened_maps():
    linear, x = nn.Linear(24, 2), maps().flatten(0, 1).requires_grad_()
    y, expected = FlatLinear(linear)(x), linear(x.flatten(1))
    torch.testing.assert_close(y, expected)
    learned, g = [x, *linear.parameters()], torch.randn_like(y)
    torch.testing.assert_close(torch.autograd.grad(y, learned, g), torch.autograd.grad(expected, learned, g))


@pytest.mark.parametrize(("x", "outputs", "free"), [
    (maps(), 2, True), (maps("contiguous_format"), 2, False), (maps(), 6, False),
    (maps()[..., :2], 2, False), (maps().flatten(2), 2, False), (maps()[:, :1], 2, False),
])  # fmt: skip
def test_where_it_saves_time(x, outputs, free):
    assert flattens_free(x, nn.Linear(1, outputs)) == free


def test_a_network_runs_flatten_and_linear_in_one_unless_somebody_looks_on():
    net = Network({"flat": nn.Flatten, "fc": partial(nn.Linear, out_features=2)}, FACTS)
    flat, fc = net.layers.values()
    x = maps()
    once = net(x)[0]
    torch.testing.assert_close(once, fc(x.flatten(2)))
    seen = []
    handle = flat.register_forward_hook(lambda layer, args, out: seen.append(out.shape))
    torch.testing.assert_close(net(x)[0], once)
    assert seen == [(10, 24)]
    handle.remove()
    assert torch.equal(net(x)[0], once)
