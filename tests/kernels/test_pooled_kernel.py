"""Neurons that pool their own maps, beside the neuron and the pooling one after the other."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.kernels import scan
from snnctl.kernels.pooling import Pooling
from snnctl.networks import Network, SumPool2d
from snnctl.networks.fusing import gives_away, window
from snnctl.networks.hooks import rates_only
from snnctl.neurons import LI, LIF, CubaLIF, ReLU
from tests.kernels.against_eager import DT, assert_same, outcome
from tests.kernels.conventions import drive
from tests.kernels.many_threads import many_threads
from tests.kernels.sequences import FAST, WAYS, memory, some_state

LEARNED = {"learnable": ["tau_mem", "threshold"], "threshold": 0.6}


@settings(max_examples=60, deadline=None)
@given(
    which=st.sampled_from([("lif", 2), ("lif", 3), ("learned", 2), ("cuba", 3)]), mean=st.booleans(),
    channels=st.integers(1, 4), height=st.integers(3, 8), width=st.integers(3, 8), steps=st.integers(1, 5),
    batch=st.integers(1, 3), how=st.sampled_from(WAYS), loss=st.sampled_from(["both", "out", "state", "sum", "last"]),
    started=st.booleans(), parts=st.integers(1, 2),
)  # fmt: skip
def test_it_equals_the_neuron_and_then_the_pooling(
    which, mean, channels, height, width, steps, batch, how, loss, started, parts
):
    name, size = which
    x = memory(drive(steps, batch, channels, height, width), how)
    learned = LIF(**LEARNED, per="channel", shape=(channels, height, width))
    neuron = {"lif": LIF(**FAST), "cuba": CubaLIF(**FAST), "learned": learned}[name]
    state = some_state(neuron, x) if started else None
    expected = outcome(neuron, x, state, loss=loss, pool=Pooling(size, mean), backend="eager")
    with many_threads(parts):
        found = outcome(neuron, x, state, loss=loss, pool=Pooling(size, mean))
    assert_same(found, expected)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 4), (3, 1, 1), (1, 1, 1)], ids=str)
def test_the_input_of_others_stays_as_it_is(shape, how):
    for loss in ("out", ""):
        x = memory(drive(3, 2, *shape), how)
        before = x.clone()
        outcome(LIF(**FAST), x, loss=loss, pool=Pooling(min(2, shape[1]), True))
        assert torch.equal(x, before)


def test_an_output_that_is_no_spikes_is_pooled_alike():
    for size in (2, 3):
        found, expected = (
            outcome(LI(), drive(5, 2, 3, 7, 8), pool=Pooling(size, True), backend=b) for b in ("cpu", "eager")
        )
        torch.testing.assert_close(found.out, expected.out)
        torch.testing.assert_close(found.d_x, expected.d_x)


def test_the_result_is_channels_last_as_the_convolutions_want_it():
    out, _ = LIF(**FAST)(drive(4, 2, 3, 6, 6), dt=DT, pool=Pooling(2, True))
    assert out.shape == (4, 2, 3, 3, 3) and out.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_a_map_smaller_than_the_window_is_an_error_as_in_torch():
    for backend in ("eager", "cpu"):
        with pytest.raises(Exception, match=r"(?i)size|small"):
            LIF(backend=backend)(drive(2, 2, 3, 1, 4), dt=DT, pool=Pooling(2, True))


def test_maps_without_channels_are_pooled_as_in_torch():
    x = drive(4, 3, 6, 6)
    expected, found = (LIF(**FAST, backend=b)(x, dt=DT, pool=Pooling(2, True))[0] for b in ("eager", "auto"))
    assert torch.equal(found, expected)


POOLS = {
    "average": lambda: nn.AvgPool2d(2), "sum": lambda: SumPool2d(2), "three": lambda: nn.AvgPool2d(3),
    "rest": lambda: SumPool2d(4),
}  # fmt: skip


def network(pool="average", backend="auto", bias=True) -> Network:
    torch.manual_seed(0)
    return Network(
        {
            "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1, bias=bias),
            "spikes": partial(LIF, tau_mem=5e-3, threshold=0.3, learnable=["tau_mem"], backend=backend),
            "pool": POOLS[pool](),
            "flat": nn.Flatten,
            "fc": nn.Linear,
            "readout": partial(LI, backend=backend),
        },
        Facts((2, 7, 7), ("a", "b", "c"), DT, None),
    )


def train(net, x):
    net.zero_grad()
    out, state = net(x)
    out.square().sum().backward()
    return out.detach(), state, {name: p.grad.clone() for name, p in net.named_parameters()}


@pytest.fixture
def pooled(monkeypatch):
    """Counts the calls of neurons that pool themselves."""
    calls, whole = [], scan.scan
    monkeypatch.setattr(scan, "scan", lambda *a, pool=None, **o: calls.append(pool) or whole(*a, pool=pool, **o))
    return calls


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("batch_major", [False, True])
def test_a_network_with_fused_layers_is_the_network(pool, batch_major, pooled):
    x = drive(6, 3, 2, 7, 7)
    x = memory(x, "batch-major") if batch_major else x
    expected = train(network(pool, "eager"), x)
    assert not pooled
    found = train(network(pool), x)
    assert [p for p in pooled if p] == [Pooling(POOLS[pool]().kernel_size, pool in ("average", "three"))]
    torch.testing.assert_close(found[0], expected[0], rtol=1e-5, atol=1e-6)
    assert found[1].keys() == expected[1].keys() == {"spikes", "readout"}
    for name, state in expected[1].items():
        torch.testing.assert_close(found[1][name].v, state.v, rtol=1e-5, atol=1e-6)
    for name, d in expected[2].items():
        torch.testing.assert_close(found[2][name], d, rtol=1e-4, atol=1e-5)
    assert network(pool).state_dict().keys() == network(pool, "eager").state_dict().keys()


def test_states_of_a_fused_network_carry_on(pooled):
    net, x = network(), drive(8, 3, 2, 7, 7)
    whole, _ = net(x)
    first, state = net(x[:3])
    second, _ = net(x[3:], state)
    assert any(pooled)
    torch.testing.assert_close(torch.cat([first, second]), whole)


@pytest.mark.parametrize("layer", ["spikes", "pool"])
@pytest.mark.parametrize("kind", ["forward", "forward_pre", "full_backward"])
def test_hooks_see_what_they_would_see_unfused(layer, kind):
    x, seen = drive(6, 3, 2, 7, 7).requires_grad_(), []
    for backend in ("eager", "auto"):
        net = network(backend=backend)

        def hook(_module, first, second=None, into=None):
            into.append([t.shape for t in (first, second) if torch.is_tensor(t)] + [
                t.shape for pair in (first, second) if isinstance(pair, tuple) for t in pair if torch.is_tensor(t)
            ])  # fmt: skip

        seen.append([])
        getattr(net.layers[layer], f"register_{kind}_hook")(partial(hook, into=seen[-1]))
        train(net, x)
    assert seen[0] and seen[1] == seen[0]


def test_a_hook_that_takes_only_rates_leaves_layers_fused(pooled):
    net, rates = network(), []
    net.layers["spikes"].register_forward_hook(rates_only(lambda _m, _a, result: rates.append(result[0].mean())))
    net(drive(6, 3, 2, 7, 7))
    assert rates and any(pooled)
    net.layers["spikes"].register_forward_hook(lambda *_: None)
    pooled.clear()
    net(drive(6, 3, 2, 7, 7))
    assert not any(pooled)


def test_operations_are_counted_on_every_layer(pooled):
    net = network()
    net.time_major = True
    net(drive(6, 3, 2, 7, 7))
    assert pooled and not any(pooled)


def test_which_poolings_a_neuron_takes_over():
    class Other(LIF):
        def forward(self, x, state=None, **options):
            return super().forward(x, state, **options)

    assert window(LIF(), nn.AvgPool2d(2)) == Pooling(2, True) and window(LI(), SumPool2d((3, 3))) == Pooling(3, False)
    for neuron, pool in [
        (LIF(), nn.AvgPool2d(2, stride=1)), (LIF(), nn.AvgPool2d(2, padding=1)), (LIF(), nn.AvgPool2d((2, 3))),
        (LIF(), nn.AvgPool2d(2, ceil_mode=True)), (LIF(), nn.AvgPool2d(2, divisor_override=3)), (LIF(), None),
        (LIF(), nn.MaxPool2d(2)), (Other(), nn.AvgPool2d(2)), (ReLU(), nn.AvgPool2d(2)), (nn.ReLU(), nn.AvgPool2d(2)),
    ]:  # fmt: skip
        assert window(neuron, pool) is None, (neuron, pool)


def test_whose_output_a_neuron_may_write_over():
    class Mine(nn.Linear):
        pass

    assert gives_away(nn.Linear(2, 2), LIF()) and gives_away(nn.Conv2d(1, 1, 1), LI())
    for before in (None, nn.Flatten(), nn.Identity(), nn.ReLU(), nn.Dropout(), Mine(2, 2)):
        assert not gives_away(before, LIF()), before
    watched = nn.Linear(2, 2)
    watched.register_forward_hook(lambda *_: None)
    assert not gives_away(watched, LIF()) and not gives_away(nn.Linear(2, 2), nn.ReLU())


def test_copies_of_a_fused_network_give_the_same():
    net, x = network(), drive(4, 2, 2, 7, 7)
    assert torch.equal(copy.deepcopy(net)(x)[0], net(x)[0])
