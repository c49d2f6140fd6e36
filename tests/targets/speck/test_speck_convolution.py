"""A projection as one convolution: equal to its layers, or refused with a reason."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Projection, Scale, SumPool2d
from snnctl.targets.speck.convolution import Unfit, folded

POOLS = (1, 2, 4)


def computed(conv, s):
    """What a core gives for spikes s (B, c, height, width)."""
    pooled = F.avg_pool2d(s, conv.pool, divisor_override=1)
    return F.conv2d(pooled, conv.weight, conv.bias, conv.stride, conv.padding)


def test_pooling_behind_a_convolution_is_a_wider_one_with_a_stride():
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.ones_(conv.weight)
    fold = folded(Projection("a", "b", {"conv": conv, "pool": nn.AvgPool2d(2)}), (1, 8, 8), POOLS)
    row = torch.tensor([1.0, 2, 2, 1])
    assert torch.equal(fold.weight[0, 0], row[:, None] * row / 4)
    assert (fold.stride, fold.padding, fold.pool, fold.outputs) == (2, 1, 1, (1, 4, 4))


def test_averaged_spikes_are_summed_ones_with_smaller_weights():
    linear = nn.Linear(8, 3, bias=False)
    layers = {"pool": nn.AvgPool2d(4), "flatten": nn.Flatten(), "fc": linear}
    fold = folded(Projection("a", "b", layers), (2, 9, 9), POOLS)
    assert torch.equal(fold.weight, linear.weight.view(3, 2, 2, 2) / 16)
    assert (fold.pool, fold.inputs, fold.outputs) == (4, (2, 2, 2), (3, 1, 1))


def test_a_window_that_the_chip_cannot_pool_goes_into_the_kernel():
    conv = nn.Conv2d(1, 1, 2, bias=False)
    projection = Projection("a", "b", {"pool": SumPool2d(3), "conv": conv})
    fold = folded(projection, (1, 9, 9), POOLS)
    assert (fold.pool, fold.kernel, fold.stride, fold.outputs) == (1, 6, 3, (1, 2, 2))
    s = torch.randint(0, 3, (2, 1, 9, 9)).float()
    torch.testing.assert_close(computed(fold, s), projection(s))


@st.composite
def projections(draw):
    """Layers that fit, and the shape of their source."""
    number = st.integers
    shape = (draw(number(1, 4)) * 2, *2 * [draw(number(8, 20))])
    layers: dict[str, nn.Module] = {}
    s = torch.zeros(1, *shape)

    def add(name, layer):
        nonlocal s
        layers[name] = layer
        s = layer(s)

    if draw(st.booleans()):
        add("first", draw(st.sampled_from([nn.AvgPool2d, SumPool2d]))(draw(st.sampled_from([2, 3, 4]))))
    if draw(st.booleans()):
        add("scale", Scale(torch.rand(shape[0], 1, 1) + 0.5))
    side = s.shape[-1]
    if draw(st.booleans()):
        kernel, dilation = draw(number(1, 3)), draw(number(1, 2))
        assume((kernel - 1) * dilation < side)
        rest = layers.get("first") is not None and shape[1] % layers["first"].kernel_size
        padding = draw(st.sampled_from([0, "same", 1] if kernel % 2 and not rest else [0]))
        stride = 1 if padding == "same" else draw(number(1, 2))
        groups = draw(st.sampled_from([1, 2]))
        add("conv", nn.Conv2d(shape[0], 4, kernel, stride, padding, dilation, groups, bias=draw(st.booleans())))
        if min(s.shape[2:]) > 3 and draw(st.booleans()):
            add("second", draw(st.sampled_from([nn.AvgPool2d, SumPool2d]))(2, draw(number(1, 2))))
        if draw(st.booleans()):
            add("after", Scale(torch.rand(4, 1, 1) + 0.5))
    else:
        add("flatten", nn.Flatten())
        add("drop", nn.Dropout(0.5).eval())
        add("fc", nn.Linear(s.shape[1], 5, bias=draw(st.booleans())))
    return Projection("a", "b", layers), shape


@settings(max_examples=80, deadline=None)
@given(projections(), st.integers(0, 1000))
def test_it_computes_what_the_layers_compute(drawn, seed):
    projection, shape = drawn
    torch.manual_seed(seed)
    fold = folded(projection, shape, POOLS)
    s = torch.randint(0, 4, (2, *shape)).float()
    with torch.no_grad():
        wanted = projection(s)
        got = computed(fold, s)
    assert got.shape[1:] == fold.outputs
    torch.testing.assert_close(got.view_as(wanted), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "shape", "said"),
    [
        ({"a": nn.Conv2d(2, 2, 3), "b": nn.Conv2d(2, 2, 3)}, (2, 9, 9), "b has weights, and so has a layer before it"),
        ({"a": nn.Conv2d(2, 2, (3, 1))}, (2, 9, 9), "a has kernel_size"),
        ({"a": nn.Conv2d(2, 2, 3, padding=(1, 0))}, (2, 9, 9), "a has padding"),
        ({"a": nn.Conv2d(2, 2, 2, padding="same")}, (2, 9, 9), "a pads an even kernel"),
        ({"a": nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular")}, (2, 9, 9), "a pads with circular"),
        ({"a": nn.BatchNorm2d(2)}, (2, 9, 9), "a is a BatchNorm2d"),
        ({"a": nn.MaxPool2d(2)}, (2, 9, 9), "a is a MaxPool2d"),
        ({"a": nn.Linear(9, 3)}, (2, 9, 9), "a is a Linear"),
        ({"f": nn.Flatten(), "a": nn.Linear(12, 3)}, (2, 2, 3), "a takes a map of 2x3"),
        ({"a": nn.AvgPool2d(3, 2)}, (2, 9, 9), "a pools windows of 3 every 2 pixels"),
        ({"a": nn.AvgPool2d(2, padding=1)}, (2, 9, 9), "a pools past the edge"),
        ({"a": nn.AvgPool2d(2, ceil_mode=True)}, (2, 9, 9), "a pools past the edge"),
        ({"p": nn.AvgPool2d(3), "a": nn.Conv2d(2, 2, 3, padding=1)}, (2, 10, 10), "a pads a map that was pooled by 3"),
        ({"a": Scale(torch.arange(8.0).view(2, 2, 2))}, (2, 2, 2), "a scales pixels of a channel differently"),
        ({"a": nn.Conv1d(2, 2, 3)}, (2, 9), "gets (2, 9) at each step"),
    ],
)
def test_what_is_no_convolution_says_which_layer(layers, shape, said):
    with pytest.raises(Unfit, match=r"^" + said.replace("(", r"\(").replace(")", r"\)")) as unfit:
        folded(Projection("x", "y", layers), shape, POOLS)
    assert unfit.value.hint
