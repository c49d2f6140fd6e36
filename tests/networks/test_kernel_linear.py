"""Which linear layers run by kernels of our own, and that it changes the time alone."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.kernels import linear as kernels
from snnctl.networks import Network, Recurrent, kernel_linear
from snnctl.neurons import LIF

FACTS = Facts(shape=(30,), classes=("a", "b"), dt=1e-3, steps=9)


@pytest.fixture
def calls(monkeypatch):
    """The widths and the `spikes` of all calls of the kernel."""
    seen = []

    def watched(x, weight, bias, spikes=False):
        seen.append((x.shape[1], spikes))
        return given(x, weight, bias, spikes)

    given = kernels.linear
    monkeypatch.setattr(kernels, "linear", watched)
    monkeypatch.setattr(kernel_linear, "LITTLE", 0)
    monkeypatch.setattr(kernels, "outruns_torch", lambda: False)
    return seen


def network(neuron=LIF, **options) -> Network:
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=20), "n": partial(neuron, **options), "out": nn.Linear}
    return Network(layers, FACTS)


X = torch.rand(9, 4, 30, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("neuron", [LIF, partial(Recurrent, neuron=partial(LIF))], ids=["LIF", "Recurrent"])
def test_the_layer_behind_spikes(calls, neuron, monkeypatch):
    net = network(neuron)
    fast = net(X)[0]
    assert calls == [(20, True)]
    monkeypatch.setattr(kernel_linear, "LITTLE", 1 << 60)
    torch.testing.assert_close(fast, net(X)[0], rtol=1e-5, atol=1e-5)
    assert len(calls) == 1


def test_every_layer_where_torch_is_slower(calls, monkeypatch):
    monkeypatch.setattr(kernels, "outruns_torch", lambda: True)
    network()(X)
    assert calls == [(30, False), (20, True)]


def test_none_beside_neurons_that_are_to_run_eagerly(calls, monkeypatch):
    monkeypatch.setattr(kernels, "outruns_torch", lambda: True)
    network(backend="eager")(X)
    network(partial(Recurrent, neuron=partial(LIF, backend="eager")))(X)
    assert not calls


def test_none_under_autocast_in_double_nor_where_somebody_looks_on(calls):
    net = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        net(X)
    net.double()(X.double())
    net = network()
    net.layers["out"].register_forward_hook(lambda *given: None)
    net(X)
    net.time_major = True
    net(X)
    assert not calls


def test_training_learns_the_same_weights():
    def trained(little, monkeypatch):
        monkeypatch.setattr(kernel_linear, "LITTLE", little)
        net = network()
        net(X)[0].square().mean().backward()
        return {name: p.grad for name, p in net.named_parameters()}

    with pytest.MonkeyPatch.context() as patch:
        fast, slow = trained(0, patch), trained(1 << 60, patch)
    assert fast.keys() == slow.keys()
    for name, grad in fast.items():
        torch.testing.assert_close(grad, slow[name], rtol=1e-4, atol=1e-6)
