"""Spiking LSTM, GRU and RNN: traces by hand, binary values, gradients."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import SpikingGRU, SpikingLSTM, SpikingRNN
from snnctl.surrogates import ATan, Sigmoid

DT = 1e-3


def driven(layer, gates: list[list[float]], feedback: float = 0.0):
    """Gates of one cell set step by step: the input's weights are the identity."""
    with torch.no_grad():
        layer.input.weight.copy_(torch.eye(len(gates[0])))
        layer.recurrent.weight.fill_(feedback)
    return layer.trace(torch.tensor(gates).unsqueeze(1), dt=DT)


def test_an_lstm_by_hand():
    layer = SpikingLSTM(shape=(4,), out_features=1, bias=False)
    out, _, traces = driven(layer, [[1, -1, 1, 1], [1, 1, 1, 1], [-1, 1, 1, -1], [-1, -1, 1, 1.0]])  # i f g o
    assert traces["c"].flatten().tolist() == [1, 1, 1, 0]  # in the second step 2, bounded
    assert out.flatten().tolist() == [1, 1, 0, 0]


def test_the_bound_of_the_cell_passes_the_gradient():
    layer = SpikingLSTM(shape=(4,), out_features=1, bias=False, surrogate=Sigmoid(1.0))
    x = torch.tensor([[[1.0, -1, 1, 1]], [[1, 1, 1, 1.0]]], requires_grad=True)
    with torch.no_grad():
        layer.input.weight.copy_(torch.eye(4))
        layer.recurrent.weight.zero_()
    layer(x, dt=DT)[0][1].sum().backward()
    slope = Sigmoid(1.0).derivative(torch.tensor(1.0))
    # h = c o, c = 1 from 2: dh/di = o g slope, dh/do = c slope
    torch.testing.assert_close(x.grad[1, 0], torch.stack([slope, slope, slope, slope]))


def test_a_gru_by_hand():
    layer = SpikingGRU(shape=(3,), out_features=1, bias=False)
    out, _, _ = driven(layer, [[1, -1, 1], [1, 1, -1], [1, -1, -2.0]])  # r z n, no feedback
    assert out.flatten().tolist() == [1, 1, 0]  # new, kept (z), new
    out, _, _ = driven(layer, [[1, -1, 1], [1, -3, -1], [-9, -3, -1.0]], feedback=2.0)
    assert out.flatten().tolist() == [1, 1, 0]  # n sees r U h only where r fires: -1 + 2, then -1 + 0


def test_an_rnn_by_hand():
    layer = SpikingRNN(shape=(1,), bias=False)
    out, _, _ = driven(layer, [[0.5], [-0.5], [-1.5]], feedback=1.0)
    assert out.flatten().tolist() == [1, 1, 0]  # 0.5, -0.5 + 1, -1.5 + 1


@pytest.mark.parametrize("kind", [SpikingLSTM, SpikingGRU, SpikingRNN])
def test_what_leaves_it_is_spikes_and_every_weight_learns(kind):
    torch.manual_seed(0)
    layer = kind(shape=(6,), out_features=5)
    out, _ = layer(torch.randn(30, 4, 6), dt=DT)
    assert set(out.unique().tolist()) == {0.0, 1.0} and layer.shape_out == (5,)
    out.square().sum().backward()
    assert all(p.grad.any() for p in layer.parameters())


@pytest.mark.parametrize("kind", [SpikingLSTM, SpikingGRU])
def test_the_candidate_may_have_a_surrogate_of_its_own(kind):
    torch.manual_seed(0)
    plain = kind(shape=(3,), surrogate=Sigmoid(4.0))
    other = kind(shape=(3,), surrogate=Sigmoid(4.0), candidate=ATan(2.0))
    other.load_state_dict(plain.state_dict())
    x = torch.randn(10, 2, 3)
    grads = []
    for layer in (plain, other):
        out, _ = layer(x, dt=DT)
        grads.append((out, torch.autograd.grad(out.sum(), layer.input.weight)[0]))
    assert torch.equal(grads[0][0], grads[1][0]) and not torch.allclose(grads[0][1], grads[1][1])
    with pytest.raises(UserError, match="surrogate is 3"):
        kind(shape=(3,), candidate=3)
