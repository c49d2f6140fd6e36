"""Initial rates brought into a range."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network, Recurrent, Residual, init_rates
from snnctl.neurons import LI, LIF

FACTS = Facts(shape=(2, 8, 8), classes=("a", "b", "c"), dt=1e-3, steps=8)


def layers() -> dict:
    return {
        "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1),
        "norm": nn.BatchNorm2d,
        "n1": LIF,
        "block": partial(
            Residual, layers={"conv": partial(nn.Conv2d, out_channels=6, kernel_size=3, padding=1), "n2": LIF}
        ),
        "flatten": nn.Flatten,
        "drop": partial(nn.Dropout, p=0.5),
        "fc1": partial(nn.Linear, out_features=20),
        "r": partial(Recurrent, neuron=LIF),
        "fc2": nn.Linear,
        "readout": LI,
    }


def x() -> torch.Tensor:
    return (torch.rand(8, 6, 2, 8, 8, generator=torch.Generator().manual_seed(3)) < 0.1).float()


def rates(net: Network, data: torch.Tensor) -> dict[str, float]:
    found, hooks = {}, []
    for name, layer in net.temporal_layers().items():
        hooks.append(layer.register_forward_hook(lambda m, a, o, name=name: found.update({name: o[0].mean().item()})))
    net.train()
    net.layers["drop"].eval()
    net(data)
    for hook in hooks:
        hook.remove()
    return found


def test_every_spiking_layer_ends_up_in_the_range():
    torch.manual_seed(0)
    net = Network(layers(), FACTS)
    rows = init_rates(net, x(), 0.05, 0.06)
    assert [(row.layer, row.scaled) for row in rows] == [("n1", "norm"), ("block.n2", "block.conv"), ("r", "fc1")]
    measured = rates(net, x())
    for row in rows:
        assert row.reached and 0.05 <= row.after <= 0.06
        assert measured[row.layer] == pytest.approx(row.after, abs=1e-6)
    assert any(not 0.05 <= row.before <= 0.06 for row in rows)


def test_it_draws_nothing_and_leaves_modes_and_running_averages_alone():
    torch.manual_seed(0)
    net = Network(layers(), FACTS).eval()
    twin = Network(layers(), FACTS)
    twin.load_state_dict(net.state_dict())
    mean = net.layers["norm"].running_mean.clone()
    first = init_rates(net, x(), 0.05, 0.06)
    torch.manual_seed(99)
    assert init_rates(twin, x(), 0.05, 0.06) == first
    assert not net.training and not net.layers["norm"].training
    torch.testing.assert_close(net.layers["norm"].running_mean, mean, rtol=0, atol=0)
    for a, b in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_weights_and_bias_are_multiplied_with_the_factor_that_is_reported():
    net = Network({"flatten": nn.Flatten, "fc": partial(nn.Linear, out_features=3), "n": LIF}, FACTS)
    weight, bias = net.layers["fc"].weight.clone(), net.layers["fc"].bias.clone()
    (row,) = init_rates(net, x(), 0.1, 0.15)
    assert row.factor != 1
    torch.testing.assert_close(net.layers["fc"].weight, weight * row.factor)
    torch.testing.assert_close(net.layers["fc"].bias, bias * row.factor)


def test_a_layer_in_the_range_is_left_alone():
    net = Network({"flatten": nn.Flatten, "fc": partial(nn.Linear, out_features=3), "n": LIF}, FACTS)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    (row,) = init_rates(net, 50 * x(), 1e-9, 1.1)
    assert row.factor == 1 and row.before == row.after > 0
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_padding_does_not_count():
    torch.manual_seed(0)
    data, length = x(), torch.tensor([8, 3, 8, 5, 8, 1])
    padded = data.clone()
    for b, n in enumerate(length):
        padded[n:, b] = 100.0
    make = {"flatten": nn.Flatten, "fc": partial(nn.Linear, out_features=3), "n": LIF}
    net, other = Network(make, FACTS), Network(make, FACTS)
    other.load_state_dict(net.state_dict())
    assert init_rates(net, data, 0.1, 0.15, length) == init_rates(other, padded, 0.1, 0.15, length)


def test_what_cannot_be_reached_is_reported_and_nothing_is_worse():
    net = Network({"n": LIF, "flatten": nn.Flatten, "fc": nn.Linear}, FACTS)
    (row,) = init_rates(net, torch.zeros(8, 2, 2, 8, 8))
    assert (row.scaled, row.factor, row.before, row.reached) == ("", 1.0, 0.0, False)
    silent = Network({"flatten": nn.Flatten, "fc": partial(nn.Linear, out_features=3, bias=False), "n": LIF}, FACTS)
    (row,) = init_rates(silent, torch.zeros(8, 2, 2, 8, 8))
    assert (row.factor, row.after, row.reached) == (1.0, 0.0, False)


def test_a_range_that_is_none_is_refused():
    net = Network({"flatten": nn.Flatten, "fc": nn.Linear}, FACTS)
    with pytest.raises(UserError, match="no range"):
        init_rates(net, x(), 0.2, 0.1)
