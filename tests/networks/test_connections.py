"""Local, sparse, mean-field and lateral connections, cropped maps, and pooling by who fires most."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import (
    ChannelShift,
    Crop2d,
    LateralInhibition,
    Local1d,
    Local2d,
    Local3d,
    MeanField,
    Network,
    Recurrent,
    Scale,
    SparseLinear,
    SpikeMaxPool2d,
    WinnerTakeAll,
)
from snnctl.neurons import ALIF, LI, LIF

DT = 1e-3
IF = partial(LIF, tau_mem=1e9, backend="eager")


@pytest.mark.parametrize(
    ("layer", "convolve", "shape"),
    [(Local1d, F.conv1d, (2, 9)), (Local2d, F.conv2d, (2, 7, 6)), (Local3d, F.conv3d, (2, 5, 4, 6))],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_with_the_same_kernel_everywhere_it_is_a_convolution(layer, convolve, shape, stride):
    local, x = layer(shape, 3, kernel_size=3, stride=stride), torch.randn(4, *shape)
    kernel = torch.randn(3, 2 * 3 ** (len(shape) - 1))
    local.weight.data.copy_(kernel.T.expand_as(local.weight))
    local.bias.data.zero_()
    torch.testing.assert_close(local(x), convolve(x, kernel.view(3, 2, *[3] * (len(shape) - 1)), stride=stride))


def test_every_place_has_a_kernel_of_its_own():
    local = Local1d((1, 4), 1, kernel_size=2, stride=2, bias=False)
    local.weight.data.copy_(torch.tensor([[1.0, 2.0], [10.0, 20.0]]).view(2, 2, 1))
    assert local(torch.tensor([[[1.0, 1.0, 1.0, 2.0]]])).tolist() == [[[3.0, 50.0]]]


def test_what_is_missing_stays_missing():
    layer = SparseLinear(20, 7, density=0.25)
    assert layer.mask.sum(1).tolist() == [5] * 7
    assert not layer.weight[layer.mask == 0].any()
    layer(torch.rand(3, 20)).sum().backward()
    assert not layer.weight.grad[layer.mask == 0].any() and layer.weight.grad[layer.mask == 1].all()
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    assert layer(torch.ones(1, 20)).tolist() == [[5.0] * 7]
    torch.manual_seed(3)
    one = SparseLinear(20, 7)
    torch.manual_seed(3)
    assert torch.equal(one.mask, SparseLinear(20, 7).mask)


def test_the_mean_field_is_that_of_each_sample():
    layer = MeanField(3, weight=2.0)
    assert layer(torch.tensor([[0.0, 1.0], [4.0, 2.0]])).tolist() == [[1.0] * 3, [6.0] * 3]


def test_a_spike_inhibits_all_others():
    layer = LateralInhibition((2, 2), strength=0.5)
    s = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert layer(s).tolist() == [[[-0.5, -1.0], [-1.0, -0.5]]]
    layer = LateralInhibition((2,), learnable=True)
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.weight.grad.item() == -2


def test_in_a_recurrent_layer_the_first_to_fire_silences_the_rest():
    layer = Recurrent(IF, (3,), partial(LateralInhibition, strength=5.0))
    out, _ = layer(torch.tensor([0.65, 0.45, 0.4]).expand(8, 1, 3), dt=DT)
    assert out[:, 0].sum(0).tolist() == [5, 0, 0]


def test_the_highest_wins_and_all_are_reset():
    layer = WinnerTakeAll(IF, (3,))
    x = torch.tensor([[1.5, 1.25, 0.5], [0.5, 0.0, 0.25], [0.0, 0.0, 0.5]])[:, None]
    out, state = layer(x, dt=DT)
    #  v: 1.5 wins, 1.25, .5 | .5 + .5 = 1 wins, .25, .75 | 0, .25, 1.25 wins
    assert out[:, 0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert state.neuron.v.tolist() == [[0, 0.25, 0.25]]
    first, between = layer(x[:1], dt=DT)
    assert torch.equal(torch.cat([first, layer(x[1:], between, dt=DT)[0]]), out)


@pytest.mark.parametrize("neuron", [IF, partial(IF, reset="zero", reset_delay=True), partial(ALIF, backend="eager")])
def test_one_at_a_time_of_those_that_would_fire(neuron):
    torch.manual_seed(0)
    x = torch.rand(30, 4, 5)
    for winner in ("highest", "random"):
        layer = WinnerTakeAll(neuron, (5,), winner)
        free, _ = layer.neuron(x, dt=DT)
        out, _ = layer(x, dt=DT)
        assert (out <= free).all()
        assert torch.equal(out.sum(2), (free.sum(2) > 0).float())
    assert layer.spiking


def test_a_window_passes_the_spikes_of_who_fires_most():
    x = torch.zeros(4, 1, 1, 2, 2)
    x[0, 0, 0, 0, 0] = x[1, 0, 0, 1, 1] = x[2, 0, 0, 1, 1] = x[3, 0, 0, 0, 0] = 1
    pool = SpikeMaxPool2d(2)
    out, _ = pool(x, dt=DT)  # counts 1 0 | 1 1, a tie passes | 1 2 | 2 2
    assert out.flatten().tolist() == [1, 1, 1, 1]
    x[1, 0, 0, 1, 1], x[1, 0, 0, 0, 0] = 0, 1
    assert pool(x, dt=DT)[0].flatten().tolist() == [1, 1, 0, 1]  # at t = 2 the other one has fired twice
    first, between = pool(x[:2], dt=DT)
    assert torch.equal(torch.cat([first, pool(x[2:], between, dt=DT)[0]]), pool(x, dt=DT)[0])


def test_cropped_and_shifted():
    x = torch.arange(12.0).view(1, 1, 3, 4)
    assert Crop2d((1, 0), (0, 2))(x).flatten().tolist() == [4, 5, 8, 9]
    assert ChannelShift(2)(x).shape == (1, 3, 3, 4) and not ChannelShift(2)(x)[:, :2].any()
    assert Scale(2.0)(x).sum() == 132


def test_in_a_network_and_without_memory():
    layers = {
        "crop": partial(Crop2d, rows=(1, 1), columns=(0, 2)),
        "shift": partial(ChannelShift, shift=1),
        "local": partial(Local2d, out_channels=3, kernel_size=3),
        "n": partial(LIF, threshold=0.1),
        "pool": partial(SpikeMaxPool2d, kernel_size=2),
        "flat": nn.Flatten,
        "sparse": partial(SparseLinear, out_features=12, density=0.5),
        "winner": partial(WinnerTakeAll, neuron=LIF),
        "all": MeanField,
        "readout": LI,
    }
    facts = Facts((2, 8, 8), ("a", "b"), DT, 5)
    net = Network(layers, facts)
    net(torch.rand(5, 3, 2, 8, 8))[0].sum().backward()
    assert net.shapes["pool"] == (3, 2, 2) and net.shapes["all"] == (2,)
    with torch.device("meta"):
        assert Network(layers, facts)(torch.empty(5, 3, 2, 8, 8, device="meta"))[0].shape == (5, 3, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Local2d((3, 5), 2, 2), r"Local2d got \(3, 5\)"),
        (lambda: Local2d((3, 5, 5), 2, 6), "does not fit"),
        (lambda: Local2d((3, 5, 5), 2, (3, 3, 3)), "kernel_size"),
        (lambda: Local1d((3, 5), 2, 2, stride=0), "stride is 0"),
        (lambda: SparseLinear(4, 4, density=0.0), "density is 0.0"),
        (lambda: LateralInhibition((3,), strength=-1.0), "strength is -1.0"),
        (lambda: WinnerTakeAll(LI, (3,)), "neuron that spikes"),
        (lambda: WinnerTakeAll(LIF, (3,), "loudest"), "highest"),
        (lambda: Crop2d((0, -1)), "0 and above"),
        (lambda: Crop2d((2, 2))(torch.rand(1, 1, 4, 4)), "nothing is left"),
        (lambda: ChannelShift(-1), "shift is -1"),
        (lambda: SpikeMaxPool2d(2)(torch.rand(3, 2, 4, 4), dt=DT), "wanted"),
    ],
)
def test_mistakes(make, words):
    with pytest.raises(UserError, match=words):
        make()
