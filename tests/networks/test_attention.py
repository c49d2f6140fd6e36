"""Self-attention of spikes."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import AttentionProduct, Masked, Network, Residual, SelfAttention
from snnctl.networks.place import Place
from snnctl.neurons import LIF, ReLU

DT = 1e-3
KINDS = ("ssa", "sdsa", "qk_token", "qk_channel")
NEURON = partial(LIF, threshold=0.3, backend="eager")


def built(shape: tuple[int, ...], **options) -> SelfAttention:
    return SelfAttention(NEURON, Place("attention", shape, Facts(shape, (), DT, 4)), **options)


def test_the_product_is_that_of_every_pair_of_tokens():
    x = (torch.rand(2, 3 * 6, 5) < 0.5).float()
    q, k, v = x.chunk(3, 1)
    expected = torch.zeros(2, 6, 5)
    for head in (slice(0, 3), slice(3, 6)):
        for i in range(5):
            for j in range(5):
                expected[:, head, i] += 0.5 * (q[:, head, i] * k[:, head, j]).sum(1)[:, None] * v[:, head, j]
    torch.testing.assert_close(AttentionProduct(heads=2, scale=0.5)(x), expected)


@pytest.mark.parametrize("kind", ["sdsa", "qk_token", "qk_channel"])
def test_masks_by_hand(kind):
    shape = (12, 5) if kind == "sdsa" else (8, 5)
    mask = Masked({"n": NEURON}, Place("mask", shape, Facts(shape, (), DT, 3)), kind, heads=2)
    x = (torch.rand(3, 2, *shape) < 0.4).float()
    q, k, *v = x.chunk(3 if kind == "sdsa" else 2, 2)
    if kind == "sdsa":
        fired, _ = mask.layers["n"]((k * v[0]).sum(3), dt=DT)
        expected = q * fired[..., None]
    elif kind == "qk_channel":
        fired, _ = mask.layers["n"](q.sum(3), dt=DT)
        expected = k * fired[..., None]
    else:
        fired, _ = mask.layers["n"](q.unflatten(2, (2, 2)).sum(3), dt=DT)
        expected = k * fired.repeat_interleave(2, 2)
    assert torch.equal(mask(x, dt=DT)[0], expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(8, 6), (8, 2, 3)])
def test_it_keeps_the_shape_and_learns_and_goes_on(kind, shape):
    torch.manual_seed(0)
    attention, x = built(shape, kind=kind, heads=2), 2 * torch.rand(6, 3, *shape)
    for norm in ("qkv_norm", "mix_norm"):
        nn.init.ones_(attention.layers[norm].bias)
    out, _ = attention(x, dt=DT)
    assert out.shape == x.shape
    out.square().sum().backward()
    assert [name for name, p in attention.named_parameters() if p.grad is None or not p.grad.any()] == []
    attention.eval()
    whole, _ = attention(x, dt=DT)
    first, state = attention(x[:2], dt=DT)
    torch.testing.assert_close(torch.cat([first, attention(x[2:], state, dt=DT)[0]]), whole)


def test_a_line_and_a_map_of_the_same_tokens_give_the_same():
    line, image = built((4, 6), heads=2), built((4, 2, 3), heads=2)
    image.load_state_dict({k: v.view(image.state_dict()[k].shape) for k, v in line.state_dict().items()})
    x = torch.rand(5, 2, 4, 6)
    torch.testing.assert_close(line(x, dt=DT)[0], image(x.unflatten(3, (2, 3)), dt=DT)[0].flatten(3))


def test_in_a_block_with_its_neurons_seen_and_without_memory():
    layers = {
        "look": partial(Residual, layers={"attention": partial(SelfAttention, neuron=NEURON, heads=2)}),
        "flat": nn.Flatten,
        "fc": nn.Linear,
    }
    facts = Facts((4, 2, 2), ("a", "b"), DT, 3)
    names = list(Network(layers, facts).temporal_layers())
    assert names == [f"look.attention.{n}" for n in ("qkv_neuron", "attend", "mix_neuron")]
    with torch.device("meta"):
        net = Network(layers, facts)
    assert net(torch.empty(3, 2, 4, 2, 2, device="meta"))[0].shape == (3, 2, 2)
    assert net.temporal_layers()["look.attention.attend"].threshold == 0.5


def test_with_an_activation_it_has_no_threshold():
    attention = SelfAttention(ReLU, Place("a", (4, 3), Facts((4, 3), (), DT, 2)), heads=2)
    assert attention(torch.rand(2, 2, 4, 3), dt=DT)[0].shape == (2, 2, 4, 3)


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((6,), {}, "expected"),
        ((6, 4), {"heads": 4}, "6 channels cannot be divided into 4 heads"),
        ((6, 4), {"heads": 2, "kind": "softmax"}, "softmax"),
    ],
)
def test_mistakes(shape, options, words):
    with pytest.raises(UserError, match=words):
        built(shape, **options)
