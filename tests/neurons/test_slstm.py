"""SLSTM and SConvLSTM beside torch's LSTM and each other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.neurons import SLSTM, SConvLSTM

DT = 1e-3


def test_its_membrane_is_the_hidden_state_of_torchs_lstm():
    layer, torchs = SLSTM(shape=(5,), out_features=4), nn.LSTM(5, 4)
    torchs.load_state_dict({
        "weight_ih_l0": layer.input.weight, "weight_hh_l0": layer.recurrent.weight,
        "bias_ih_l0": layer.input.bias, "bias_hh_l0": layer.recurrent.bias,
    })  # fmt: skip
    x = torch.randn(20, 3, 5)
    out, state, traces = layer.trace(x, dt=DT)
    hidden, (h, c) = torchs(x)
    torch.testing.assert_close(traces["v"], hidden)
    torch.testing.assert_close((state.v, state.c), (h[0], c[0]))
    assert torch.equal(out, (traces["v"] >= 0.1).float()) and 0 < out.mean() < 1


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_a_spike_resets_the_next_membrane_but_no_cell(reset):
    torch.manual_seed(0)
    free, layer = SLSTM(shape=(3,)), SLSTM(shape=(3,), reset=reset)
    layer.load_state_dict(free.state_dict())
    x = torch.randn(2, 8, 3) * 3
    _, _, without = free.trace(x, dt=DT)
    out, _, traces = layer.trace(x, dt=DT)
    assert out[0].any()
    expected = without["v"][1] - 0.1 * out[0] if reset == "subtract" else without["v"][1] * (1 - out[0])
    torch.testing.assert_close(traces["v"][1], expected)
    torch.testing.assert_close(traces["c"], without["c"])


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 6), (2, 4, 4, 4)])
@pytest.mark.parametrize("pool", ["none", "max", "mean"])
def test_maps_of_every_dimension_are_pooled_before_they_fire(shape, pool):
    layer = SConvLSTM(shape=shape, out_channels=3, pool=pool)
    out, state = layer(torch.randn(4, 2, *shape), dt=DT)
    sides = shape[1:] if pool == "none" else tuple(s // 2 for s in shape[1:])
    assert layer.shape_out == (3, *sides) and out.shape == (4, 2, 3, *sides)
    assert state.v.shape == (2, 3, *shape[1:])
    assert set(out.unique().tolist()) <= {0.0, 1.0}


def test_on_one_pixel_the_convolution_is_a_product():
    dense, conv = SLSTM(shape=(3,)), SConvLSTM(shape=(3, 1, 1), kernel_size=1)
    with torch.no_grad():
        conv.input.weight.copy_(dense.input.weight[..., None, None])
        conv.recurrent.weight.copy_(dense.recurrent.weight[..., None, None])
        conv.input.bias.copy_(dense.input.bias + dense.recurrent.bias)
    x = torch.randn(10, 2, 3)
    torch.testing.assert_close(conv.trace(x[..., None, None], dt=DT)[2]["v"][..., 0, 0], dense.trace(x, dt=DT)[2]["v"])


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: SLSTM(shape=(2, 4, 4)), r"gets \(2, 4, 4\) at each step, and needs a vector"),
        (lambda: SLSTM(shape=(4,), threshold=0.0), "threshold is 0.0"),
        (lambda: SLSTM(shape=(4,), out_features=0), "out_features is 0"),
        (lambda: SLSTM(shape=(4,), reset="value"), "reset is 'value'"),
        (lambda: SConvLSTM(shape=(4,)), "needs maps"),
        (lambda: SConvLSTM(shape=(4, 5, 5), kernel_size=2), "kernel_size is 2"),
        (lambda: SConvLSTM(shape=(4, 5, 5), pool="sum"), "pool is 'sum'"),
    ],
)
def test_wrong_values_are_named(build, message):
    with pytest.raises(UserError, match=message):
        build()


def test_a_state_of_another_batch_is_refused():
    layer = SLSTM(shape=(4,))
    _, state = layer(torch.rand(2, 3, 4), dt=DT)
    with pytest.raises(UserError, match="with a batch of 2"):
        layer(torch.rand(2, 2, 4), state, dt=DT)
