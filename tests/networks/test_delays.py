"""Delays of axons and synapses."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Delay, DelayedLinear, Network

DT = 1e-3


def late(x: torch.Tensor, steps: int) -> torch.Tensor:
    return torch.cat([torch.zeros_like(x[:steps]), x])[: len(x)]


@given(steps=st.integers(0, 7), cut=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_a_whole_delay_moves_everything_and_pieces_are_the_whole(steps, cut):
    layer, x = Delay(steps * DT), torch.rand(6, 2, 3)
    out, state = layer(x, dt=DT)
    assert torch.equal(out, late(x, steps))
    first, between = layer(x[:cut], dt=DT)
    second, after = layer(x[cut:], between, dt=DT)
    assert torch.equal(torch.cat([first, second]), out)
    assert torch.equal(after.past, state.past)


def test_each_channel_has_its_own():
    layer, x = Delay([0.0, 2e-3, 3e-3], per="channel", shape=(3, 4)), torch.rand(6, 2, 3, 4)
    out, _ = layer(x, dt=DT)
    for c, steps in enumerate((0, 2, 3)):
        assert torch.equal(out[:, :, c], late(x, steps)[:, :, c])


def test_between_two_steps_it_is_a_mixture_and_its_gradient_is_their_difference():
    layer = Delay(1.25e-3, learnable=True)
    x = torch.tensor([1.0, 2.0, 4.0, 8.0])[:, None, None]
    out, _ = layer(x, dt=DT)
    torch.testing.assert_close(out.flatten(), torch.tensor([0.0, 0.75, 1.75, 3.5]))
    out[3].sum().backward()
    torch.testing.assert_close(layer.delay.grad, torch.tensor((2.0 - 4.0) / DT))


@pytest.mark.parametrize("start", [0.0, 2e-3, 4e-3, 4.5e-3])
def test_a_delay_at_the_end_of_its_range_still_learns(start):
    layer = Delay(min(start, 4e-3), learnable=True, longest=4e-3)
    nn.init.constant_(layer.delay, start)
    layer(torch.arange(8.0)[:, None, None] ** 2, dt=DT)[0][-1].sum().backward()
    assert layer.delay.grad.abs() > 1


def test_a_learned_delay_rounded_to_steps_passes_spikes():
    layer = Delay(1.6e-3, learnable=True, whole=True)
    x = (torch.rand(8, 2, 3) < 0.5).float()
    out, _ = layer(x, dt=DT)
    torch.testing.assert_close(out, late(x, 2))
    out[5].sum().backward()
    assert layer.delay.grad is not None


def test_the_same_seconds_are_more_steps_of_a_finer_clock():
    x = torch.rand(12, 1, 1)
    assert torch.equal(Delay(4e-3)(x, dt=1e-3)[0], late(x, 4))
    assert torch.equal(Delay(4e-3)(x, dt=2e-3)[0], late(x, 2))


@pytest.mark.parametrize("window", ["linear", "gaussian"])
def test_in_evaluation_every_synapse_is_late_by_whole_steps(window):
    torch.manual_seed(0)
    layer = DelayedLinear(4, 3, longest=5e-3, window=window).eval()
    x = torch.rand(9, 2, 4)
    steps = (layer.delay / DT).round().int()
    expected = layer.bias.expand(9, 2, 3).clone()
    for i in range(3):
        for j in range(4):
            expected[:, :, i] += layer.weight[i, j] * late(x, steps[i, j])[:, :, j]
    out, _ = layer(x, dt=DT)
    torch.testing.assert_close(out, expected)
    first, state = layer(x[:4], dt=DT)
    torch.testing.assert_close(torch.cat([first, layer(x[4:], state, dt=DT)[0]]), out)


def test_the_shares_of_a_delay_by_hand():
    layer = DelayedLinear(1, 1, longest=3e-3, delay=1.25e-3, window="linear", bias=False)
    torch.testing.assert_close(layer.shares(DT)[0, 0], torch.tensor([0.0, 0.75, 0.25, 0.0]))
    layer = DelayedLinear(1, 1, longest=2e-3, delay=1e-3, sigma=1.0, bias=False)
    e = 2.718281828**-0.5
    torch.testing.assert_close(layer.shares(DT)[0, 0], torch.tensor([e, 1.0, e]) / (1 + 2 * e))
    assert (layer.eval().shares(DT)[0, 0] == torch.tensor([0.0, 1.0, 0.0])).all()


def test_a_delay_is_found_by_descent():
    torch.manual_seed(0)
    x = (torch.rand(60, 8, 1) < 0.2).float()
    layer = DelayedLinear(1, 1, longest=12e-3, delay=2e-3, sigma=4.0, bias=False)
    nn.init.ones_(layer.weight)
    layer.weight.requires_grad_(False)
    optimizer = torch.optim.Adam(layer.parameters(), lr=2e-4)
    for k in range(150):
        layer.sigma = max(0.5, 4.0 * 0.97**k)
        optimizer.zero_grad()
        (layer(x, dt=DT)[0] - late(x, 7)).square().mean().backward()
        optimizer.step()
    assert abs(layer.delay.item() - 7e-3) < 0.5e-3


def test_in_a_network_and_without_memory():
    layers = {
        "delay": partial(Delay, 2e-3),
        "fc": partial(DelayedLinear, out_features=3, longest=4e-3),
        "f2": nn.Linear,
    }
    facts = Facts((5,), ("a", "b"), DT, 6)
    assert Network(layers, facts)(torch.rand(6, 2, 5))[0].shape == (6, 2, 2)
    with torch.device("meta"):
        net = Network(layers, facts)
    assert net(torch.empty(6, 2, 5, device="meta"))[0].shape == (6, 2, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Delay(-1e-3), "delay is -0.001 s"),
        (lambda: Delay(5e-3, longest=2e-3), "0 to 0.002 s"),
        (lambda: Delay(0.0, learnable=True), "longest"),
        (lambda: Delay("long"), "delay"),
        (lambda: DelayedLinear(2, 2, longest=0.0), "longest is 0.0"),
        (lambda: DelayedLinear(2, 2, delay=1.0), "delay is 1 s"),
        (lambda: DelayedLinear(2, 2, window="gausian"), "gaussian"),
        (lambda: Delay()(torch.rand(3, 2, 1), Delay()(torch.rand(3, 4, 1), dt=DT)[1], dt=DT), "state of shape"),
    ],
)
def test_mistakes(make, words):
    with pytest.raises(UserError, match=words):
        make()
