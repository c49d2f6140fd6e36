"""e-prop: where it is BPTT, and where it leaves it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy, PerStepCrossEntropy
from snnctl.networks import AllToAll, MapToMap, Network
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from snnctl.regimes.online.eprop import EProp
from snnctl.regimes.online.online import cosine
from tests.regimes.online.drawn import SGD, apart, batch, facts, network, of_network, recurrent

LEAK = partial(LI, tau_mem=5e-3, tau_syn=3e-3)
ADAPTIVE = partial(ALIF, tau_mem=5e-3)


def rule(net, loss=None, **options) -> EProp:
    return EProp(net, loss or PerStepCrossEntropy(), SGD, **options).double()


@pytest.mark.parametrize("neuron", [ADAPTIVE, partial(CubaLIF, tau_mem=5e-3, tau_syn=3e-3), partial(LIF, reset="zero")])
@pytest.mark.parametrize("leak", [LEAK, None])
@pytest.mark.parametrize("chunk", [1, 5, 12])
def test_without_recurrence_it_is_bptt(neuron, leak, chunk):
    for loss in (PerStepCrossEntropy(), MeanMembraneCrossEntropy()):
        one = rule(network(neuron, readout=leak), loss, chunk=chunk, reset_gradient=True)
        data = batch()
        assert apart(one.gradients(data)[2], one.backpropagated(data)) < 1e-5


def test_as_published_no_gradient_goes_through_the_reset():
    held = network(partial(LIF, detach_reset=True, tau_mem=5e-3), readout=LEAK)
    free = network(partial(LIF, tau_mem=5e-3), readout=LEAK)
    wanted = rule(held).backpropagated(batch())
    found = rule(free, chunk=5).gradients(batch())[2]
    for p, q in zip(free.parameters(), held.parameters(), strict=True):
        torch.testing.assert_close(found[p], wanted[q], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("feedback", ["symmetric", "random", "adaptive"])
def test_recurrence_is_left_out_alone(feedback):
    hidden = recurrent(ADAPTIVE, feedback=partial(AllToAll, autapses=False, bias=True))
    wanted, data = None, batch()
    for chunk in (12, 5, 1):
        torch.manual_seed(5)
        one = rule(network(hidden, readout=LEAK), chunk=chunk, feedback=feedback)
        found = of_network(one, one.gradients(data)[2])
        wanted = wanted or list(found.values())
        for a, b in zip(found.values(), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8)
        exact = one.backpropagated(data)
        readout = one.network.layers["out"].weight
        torch.testing.assert_close(found[readout], exact[readout], rtol=1e-5, atol=1e-8)
        assert cosine(found, exact) > (0.95 if feedback == "symmetric" else 0.0)
        assert not found[one.network.layers["n0"].feedback.weight].diagonal().any()


def test_adaptive_weights_move_as_the_readouts_do():
    one = rule(network(recurrent(ADAPTIVE), readout=LEAK), chunk=5, feedback="adaptive")
    found = one.gradients(batch())[2]
    torch.testing.assert_close(found[one.broadcast_n0], found[one.network.layers["out"].weight], rtol=1e-5, atol=1e-8)
    assert {id(p) for p in one.parameters()} >= {id(one.broadcast_n0)}
    fixed = rule(network(recurrent(ADAPTIVE), readout=LEAK), feedback="random")
    assert "broadcast_n0" in dict(fixed.named_buffers())


def test_deep_networks_need_weights_of_the_broadcast():
    deep = network(ADAPTIVE, ADAPTIVE, readout=LEAK)
    with pytest.raises(UserError, match="n0 has no weights to the readout"):
        rule(deep)
    wanted = None
    for chunk in (12, 4):
        torch.manual_seed(5)
        found = list(of_network(r := rule(deep, chunk=chunk, feedback="random"), r.gradients(batch())[2]).values())
        wanted = wanted or found
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8)


def test_what_it_cannot_train_is_said():
    with pytest.raises(UserError, match=r"readout readout \(LIF\) spikes"):
        rule(network(ADAPTIVE, readout=LIF))
    with pytest.raises(UserError, match=r"readout n0 \(Recurrent\) is recurrent"):
        torch.manual_seed(0)
        rule(Network({"fc": nn.Linear, "n0": recurrent(LIF)}, facts()))
    learned = network(partial(LIF, learnable=["tau_mem"]), readout=LEAK)
    rule(learned, chunk=12)
    with pytest.raises(UserError, match="n0 is not one linear layer, neurons with fixed parameters"):
        rule(learned, chunk=6)
    with pytest.raises(UserError, match="feedback is 'both'"):
        rule(learned, feedback="both")
    conv = {"one": partial(nn.Conv1d, out_channels=2, kernel_size=3), "n": recurrent(LIF, feedback=MapToMap),
            "flat": nn.Flatten, "out": nn.Linear}  # fmt: skip
    net = Network(conv, Facts((1, 8), ("a", "b", "c"), 1e-3, 12))
    with pytest.raises(UserError, match="n is not one linear layer"):
        rule(net, chunk=6, feedback="random")
    rule(net, chunk=12, feedback="random")


def test_its_traces_are_counted():
    net = network(recurrent(ADAPTIVE), steps=None, readout=LEAK)
    # v and a of 6 neurons and the leak's v and i behind each, of 5 inputs, a bias and 6 neurons; v and i of 3 outputs;
    # each before a chunk and after it
    assert rule(net).traces(4) == 4 * 4 * 2 * (6 * (5 + 1 + 6) * (2 + 2) + 3 * (6 + 1) * 2)
    assert rule(network(ADAPTIVE), chunk=12).traces(4) == 0
