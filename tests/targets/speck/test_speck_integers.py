"""Integers of a core, and its trace written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.targets.speck.convolution import Convolution
from snnctl.targets.speck.integers import Source, discretised, largest_scale
from tests.targets.speck.chip import chain, neurons, speck

EVENTS = [(1, 0), (1, 0), (5, 0), (0, 3), (4, 0), (0, 1)]  # a step each: of the channel that excites, and that inhibits


def one_neuron(**keys):
    """Weights 0.5 and -1: a scale of 128, integers 64 and -128, a threshold of 128."""
    conv = nn.Conv2d(2, 1, 1, bias=False)
    conv.weight.data = torch.tensor([0.5, -1.0]).view(1, 2, 1, 1)
    circuit = chain((2, 1, 1), {"conv": conv}, a=neurons(**keys))
    chip = speck()
    return chip.quantise(circuit, chip.plan(circuit))


def made(weight, threshold=1.0, v_min=-1.0, bias=None):
    """One layer of 8 bits and 16."""
    conv = Convolution((1, 1, 1), weight, bias)
    return discretised("deep", (Source("input", (1, 1, 1)),), (1, 1, 1), conv, threshold, v_min, False, (8, 16))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, [0, 1, 2, 0, 1, 0]),  # v: 64, 128 0, 320 64, -320 -128, 128 0, -128
        ({"v_min": None}, [0, 1, 2, 0, 0, 0]),  # v: 64, 0, 64, -320, -64, -192
        ({"v_min": -3.0}, [0, 1, 2, 0, 0, 0]),  # v: 64, 0, 64, -320, -64, -192
        ({"reset": "zero"}, [0, 1, 2, 0, 1, 0]),  # v: 64, 128 0, 320 0, -384 -128, 128 0, -128
        ({"threshold": 0.5}, [1, 1, 5, 0, 2, 0]),  # v: 0, 0, 0, -128, 128 0, -128
    ],
)
def test_the_trace_of_one_neuron_written_out(keys, expected):
    model = one_neuron(**keys)
    layer = model.layers[0]
    assert layer.convolution.weight.flatten().tolist() == [64, -128] and layer.scale == 128
    out, spikes = model.run(torch.tensor(EVENTS).float().view(6, 1, 2, 1, 1))
    assert out.flatten().tolist() == expected
    assert torch.equal(spikes["a"], out)


def test_a_bias_is_added_at_every_step_and_bounds_the_scale():
    conv = nn.Conv2d(1, 1, 1)
    conv.weight.data, conv.bias.data = torch.full((1, 1, 1, 1), 0.5), torch.tensor([-2.0])
    layer = made(conv.weight, 1.0, -4.0, conv.bias)
    assert (layer.scale, layer.convolution.weight.item(), layer.convolution.bias.item()) == (64, 32, -128)
    assert (layer.threshold, layer.low) == (64, -256)
    chip, circuit = speck(), chain((1, 1, 1), {"conv": conv}, a=neurons(v_min=-4.0))
    model = chip.quantise(circuit, chip.plan(circuit))
    out = model.run(torch.tensor([0.0, 6, 6]).view(3, 1, 1, 1, 1))[0]
    assert out.flatten().tolist() == [0, 0, 0]  # v: -128, -64, 0
    assert model.facts()["a"]["largest bias"] == 128 and model.facts()["a"]["low threshold"] == -256


@pytest.mark.parametrize(
    ("values", "bits", "scale"),
    [
        ([-1.0, 0.5], 8, 128.0),
        ([-0.5, 1.0], 8, 127.0),
        ([-1.0, 1.0], 8, 127.0),
        ([0.0, 2.0], 8, 63.5),
        ([-1.0, 1.0], 16, 32767.0),
        ([0.0, 0.0], 8, math.inf),
    ],
)
def test_the_largest_scale_uses_the_longer_negative_side(values, bits, scale):
    assert largest_scale(torch.tensor(values), bits) == scale


def test_thresholds_bound_the_scale_too():
    layer = made(torch.full((1, 1, 1, 1), 0.001), 1.0, -2.0)
    assert (layer.scale, layer.low, layer.threshold) == (16384, -32768, 16384)
    assert layer.convolution.weight.item() == 16  # of 127


def test_weights_that_cannot_be_mapped_name_the_layer():
    with pytest.raises(UserError, match="deep: weights are not finite"):
        made(torch.tensor([[[[math.nan]]]]))
    with pytest.raises(UserError, match="deep: all weights are 0"):
        made(torch.zeros(1, 1, 1, 1))
    with pytest.raises(UserError, match=r"deep: threshold 1 is 0.42 where the largest .* 127, and rounds to 0"):
        made(torch.full((1, 1, 1, 1), 300.0))


def test_input_that_is_no_event_is_refused():
    model = one_neuron()
    for value in (0.5, -1.0, math.nan):
        with pytest.raises(UserError, match="no whole number"):
            model.run(torch.full((2, 1, 2, 1, 1), value))
