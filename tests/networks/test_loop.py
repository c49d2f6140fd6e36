"""Later layers that come back to earlier ones."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Back, Loop, Network, init_rates
from snnctl.networks.table import table
from snnctl.neurons import LIF

FACTS = Facts((2,), ("a", "b", "c"), 1e-3, 5)
IF = partial(LIF, tau_mem=1e9, backend="eager")


def build(**options) -> Network:
    loop = {
        "layers": {
            "fc1": partial(nn.Linear, out_features=4),
            "n1": partial(IF, threshold=0.3),
            "fc2": partial(nn.Linear, out_features=3),
            "n2": partial(IF, threshold=0.3),
        },
        "back": {"up": partial(Back, source="n2", target="n1")},
        **options,
    }
    return Network({"loop": partial(Loop, **loop)}, FACTS)


def test_the_trace_of_two_neurons_by_hand():
    layers = {"first": partial(IF, threshold=1.0), "second": partial(IF, threshold=2.0)}
    net = Network([partial(Loop, layers=layers, back={"b": Back("second", "first")})], Facts((1,), ("a",), 1e-3, None))
    x = torch.tensor([1.0, 1.0, 0.0, 0.25, 0.75])[:, None, None]
    out, state = net(x)
    #  first: 1 > spike    1 > spike     0 + 1 > spike   .25             1 > spike
    #  second: 1           2 > spike     1               1               2 > spike
    assert out.flatten().tolist() == [0, 1, 0, 0, 1]
    assert state["0"].out["second"].item() == 1
    assert state["0"].layers["first"].v.item() == 0


def test_it_is_the_layers_run_step_by_step():
    torch.manual_seed(0)
    net = build()
    loop, x = net.layers["loop"], torch.rand(5, 3, 2) * 3
    s1, s2, last, expected = None, None, torch.zeros(3, 3), []
    for step in x:
        current = loop.layers["fc1"](step) + loop.back["up"].through(last)
        a, s1 = loop.layers["n1"](current[None], s1, dt=1e-3)
        b, s2 = loop.layers["n2"](loop.layers["fc2"](a), s2, dt=1e-3)
        last = b[0]
        expected.append(last)
    out, _ = net(x)
    assert 0 < out.mean() < 1
    torch.testing.assert_close(out, torch.stack(expected), rtol=0, atol=0)
    first, between = net(x[:2])
    torch.testing.assert_close(torch.cat([first, net(x[2:], between)[0]]), out, rtol=0, atol=0)
    out.sum().backward()
    assert all(p.grad.any() for p in net.parameters())


def test_what_leaves_may_be_another_layers_output():
    net = Network(
        {"loop": partial(Loop, output="fc1", back={"b": Back("n", "fc1", partial(nn.Linear, bias=False))},
                         layers={"fc1": partial(nn.Linear, out_features=2), "n": IF}), "fc": nn.Linear},
        FACTS,
    )  # fmt: skip
    assert net.layers["loop"].back["b"].through.weight.shape == (2, 2)
    assert net(torch.rand(4, 2, 2))[0].shape == (4, 2, 3)


def test_maps_come_back_through_a_transposed_convolution():
    layers = {
        "conv1": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1),
        "n1": IF,
        "conv2": partial(nn.Conv2d, out_channels=6, kernel_size=2, stride=2),
        "n2": IF,
    }
    back = {"b": partial(Back, "n2", "n1", partial(nn.ConvTranspose2d, kernel_size=2, stride=2))}
    net = Network(
        {"loop": partial(Loop, layers=layers, back=back), "flat": nn.Flatten, "fc": nn.Linear},
        Facts((2, 6, 6), ("a", "b"), 1e-3, 4),
    )
    assert net(torch.rand(4, 2, 2, 6, 6))[0].shape == (4, 2, 2)
    assert [name for name, *_ in net.walk() if "back" in name] == ["loop.back.b"]


def test_hooks_see_all_steps_at_once():
    torch.manual_seed(0)
    net = build()
    seen = {}
    for name, layer in net.temporal_layers().items():
        layer.register_forward_hook(
            lambda m, a, k, out, name=name: seen.update({name: (a[0], out[0])}), with_kwargs=True
        )
    x = torch.rand(5, 3, 2) * 3
    out, _ = net(x)
    assert list(seen) == ["loop.n1", "loop.n2"]
    assert seen["loop.n1"][0].shape == (5, 3, 4) and torch.equal(seen["loop.n2"][1], out)
    assert all(rate.reached for rate in init_rates(net, x, 0.05, 0.5))


def test_layers_that_only_a_pre_hook_sees_are_shown_all_steps_at_once():
    net, seen = build(), []
    net.layers["loop"].back["up"].through.register_forward_pre_hook(lambda m, args: seen.append(args[0].shape))
    net.layers["loop"].layers["fc2"].register_forward_pre_hook(lambda m, args: seen.append(args[0].shape))
    net(torch.rand(5, 3, 2))
    assert seen == [(15, 4), (15, 3)]


def test_the_table_counts_what_is_kept_in_it():
    rows = {row.layer: row for row in table(build(), 2, steps=6)}
    assert list(rows) == ["loop.fc1", "loop.n1", "loop.fc2", "loop.n2", "loop.back.up"]
    assert rows["loop.back.up"].parameters == 12
    assert rows["loop.n1"].bytes > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"back": {"up": Back("n3", "n1")}}, ["back.up.source", "n3", "n2"]),
        ({"back": {"up": Back("n1", "n2")}}, ["forward to n2"]),
        ({"back": {"up": Back("n2", "n1", partial(nn.Linear, out_features=5))}}, ["(5,)", "(4,)"]),
        ({"back": {"up": Back("n2", "n1", nn.Identity)}}, ["(3,)", "(4,)"]),
        ({"output": "fc3"}, ["output", "fc3"]),
        ({"layers": {"n1": LIF(backend="cpu"), "n2": IF}}, ["loop.n1", "backend cpu", "auto"]),
    ],
)
def test_mistakes(options, words):
    with pytest.raises(UserError) as raised:
        build(**options)
    for word in ["loop", *words]:
        assert word in str(raised.value)
