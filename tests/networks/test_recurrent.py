"""Layers that see their own outputs one step later."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import AllToAll, MapToMap, Network, OneToOne, Recurrent, Repeat
from snnctl.neurons import LI, LIF, ReLU

IF = partial(LIF, tau_mem=1e9)  # no leak to speak of: traces can be written out


def test_the_trace_of_two_neurons_by_hand():
    layer = Recurrent(IF, shape=(2,))
    with torch.no_grad():  # neuron 0 excites neuron 1 by 0.7, neuron 1 inhibits neuron 0 by 0.5
        layer.feedback.weight.copy_(torch.tensor([[0.0, -0.5], [0.7, 0.0]]))
    x = torch.tensor([[0.6, 0.0], [0.6, 0.4], [0.0, 0.0], [0.6, 0.0], [0.6, 0.0]])[:, None]
    out, state = layer(x, dt=1e-3)
    #          v0: .6    1.2 > spike, .2       .2                    .8 - .5 = .3   .9
    #          v1: 0     .4                    1.1 > spike, .1       .1             .1
    assert out[:, 0].tolist() == [[0, 0], [1, 0], [0, 1], [0, 0], [0, 0]]
    torch.testing.assert_close(state.neuron.v, torch.tensor([[0.9, 0.1]]))
    assert state.out.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("feedback", "shape"),
    [
        (partial(AllToAll, bias=True), (6,)),
        (partial(AllToAll, init="normal", autapses=False), (2, 3)),
        (partial(OneToOne, bias=True), (6,)),
        (partial(MapToMap, kernel_size=5), (2, 6)),
        (partial(MapToMap, bias=True), (2, 4, 4)),
        (MapToMap, (2, 3, 4, 4)),
    ],
)
def test_it_is_the_neuron_stepped_with_its_last_output(feedback, shape):
    torch.manual_seed(0)
    layer = Recurrent(partial(LIF, threshold=0.5), shape=shape, feedback=feedback)
    for p in layer.feedback.parameters():
        nn.init.normal_(p)
    x = torch.rand(5, 3, *shape)
    out, state = layer(x, dt=1e-3)
    last, inner, expected = torch.zeros_like(x[0]), None, []
    for step in x:
        one, inner = layer.neuron((step + layer.feedback(last))[None], inner, dt=1e-3)
        last = one[0]
        expected.append(last)
    torch.testing.assert_close(out, torch.stack(expected))
    assert 0 < out.mean() < 1
    first, between = layer(x[:2], dt=1e-3)
    second, after = layer(x[2:], between, dt=1e-3)
    torch.testing.assert_close(torch.cat([first, second]), out)
    torch.testing.assert_close(after.neuron.v, state.neuron.v)
    _, _, traced = layer.trace(x, dt=1e-3)
    assert traced["v"].shape == x.shape
    torch.testing.assert_close(traced["v"][-1], state.neuron.v)


def test_without_autapses_no_neuron_hears_itself_whatever_is_learned():
    layer = AllToAll((4,), autapses=False)
    assert layer.weight.diagonal().tolist() == [0, 0, 0, 0]
    layer(torch.ones(2, 4)).square().sum().backward()
    assert layer.weight.grad.diagonal().tolist() == [0, 0, 0, 0]
    assert (layer.weight.grad != 0).sum() == 12
    nn.init.ones_(layer.weight)
    assert layer(torch.eye(4)).diagonal().tolist() == [0, 0, 0, 0]


def test_initial_weights():
    torch.manual_seed(0)
    w = AllToAll((8,), gain=0.5).weight
    torch.testing.assert_close(w @ w.T, 0.25 * torch.eye(8))
    assert AllToAll((400,), init="normal", gain=0.5).weight.std().item() == pytest.approx(0.5 / 20, rel=0.02)


def test_in_a_network_sizes_and_values_are_handed_down():
    net = Network(
        {
            "f": partial(
                Repeat,
                each={"out_features": [5, 6], "tau_mem": [1e-3, 2e-3]},
                layers={"fc": nn.Linear, "r": partial(Recurrent, neuron=LIF)},
            ),
            "fc": nn.Linear,
            "readout": partial(LI, tau_mem=3e-3),
        },
        Facts((4,), ("a", "b"), 1e-3, None),
    )
    layers = net.temporal_layers()
    assert list(layers) == ["f.0.r", "f.1.r", "readout"]
    assert [(n.neuron.tau_mem, tuple(n.feedback.weight.shape)) for n in list(layers.values())[:2]] == [
        (1e-3, (5, 5)),
        (2e-3, (6, 6)),
    ]
    assert layers["f.0.r"].spiking and not layers["readout"].spiking
    assert net(torch.rand(3, 2, 4))[0].shape == (3, 2, 2)


@pytest.mark.parametrize("activation", [nn.ReLU, ReLU])
def test_with_an_activation_it_is_a_recurrent_ann(activation):
    layer = Recurrent(activation, shape=(3,))
    x = torch.rand(4, 2, 3)
    h, expected = torch.zeros(2, 3), []
    for step in x:
        h = torch.relu(step + h @ layer.feedback.weight.T)
        expected.append(h)
    torch.testing.assert_close(layer(x, dt=1.0)[0], torch.stack(expected))
    assert not layer.spiking


def test_the_gradient_reaches_the_recurrent_weights_through_time():
    torch.manual_seed(0)
    layer = Recurrent(partial(LIF, threshold=0.5), shape=(4,))
    out, _ = layer(torch.rand(6, 2, 4), dt=1e-3)
    out[-1].sum().backward()
    assert layer.feedback.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: MapToMap((5,)), "AllToAll"),
        (lambda: MapToMap((2, 4, 4), kernel_size=4), "even"),
        (lambda: AllToAll((5,), init="orthogonel"), "orthogonal"),
    ],
)
def test_mistakes(make, word):
    with pytest.raises(UserError, match=word):
        make()
