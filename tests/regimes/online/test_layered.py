"""OTTT, SLTT, OSTL, DECOLLE: what each leaves of BPTT's gradient, and what a chunk changes: nothing."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy, MembraneMSE, PerStepCrossEntropy
from snnctl.networks import AllToAll, Network
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from snnctl.regimes.online.decolle import DECOLLE
from snnctl.regimes.online.online import cosine
from snnctl.regimes.online.ostl import OSTL
from snnctl.regimes.online.ottt import OTTT
from snnctl.regimes.online.sltt import SLTT
from tests.regimes.online.drawn import SGD, apart, batch, facts, network, recurrent

LEAK = partial(LI, tau_mem=5e-3)
HELD = partial(LIF, tau_mem=5e-3, detach_reset=True)
RULES = {"ottt": OTTT, "presynaptic": partial(OTTT, traces="presynaptic"), "sltt": SLTT, "ostl": OSTL,
         "decolle": DECOLLE}  # fmt: skip
COSINES = {"ottt": 0.85, "presynaptic": 0.7, "sltt": 0.85, "ostl": 0.9, "decolle": 0.5}  # with BPTT's, at least


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("neurons", ["recurrent", "two states"])
def test_a_chunk_changes_no_number(name, neurons):
    if (name, neurons) == ("presynaptic", "recurrent"):
        with pytest.raises(UserError, match="n0 is recurrent, and traces are presynaptic"):
            RULES[name](network(recurrent(HELD)), PerStepCrossEntropy(), SGD)
        return
    two = (partial(CubaLIF, tau_mem=5e-3, tau_syn=3e-3), HELD)
    chosen = two if neurons == "two states" else (recurrent(HELD, feedback=partial(AllToAll, bias=True)), HELD)
    wanted, data = None, batch()
    for chunk in (12, 5, 1):
        torch.manual_seed(3)
        rule = RULES[name](network(*chosen, readout=LEAK), PerStepCrossEntropy(), SGD, chunk=chunk).double()
        found = rule.gradients(data)[2]
        wanted = wanted or list(found.values())
        assert len(found) == len(list(rule.network.parameters()))
        for a, b in zip(found.values(), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8)
        similar = cosine(found, rule.backpropagated(data))
        assert COSINES[name] < similar < 0.9999


def test_sltt_is_bptt_cut_at_every_step():
    net, data = network(recurrent(ALIF), LIF, readout=LEAK), batch()
    found = SLTT(net, PerStepCrossEntropy(), SGD, chunk=4).gradients(data)[2]
    state, outs = None, []
    for x in data.x:
        out, state = net(x[None], state)
        outs.append(out)
        state = torch.utils._pytree.tree_map_only(torch.Tensor, torch.Tensor.detach, state)
    loss = PerStepCrossEntropy()(torch.cat(outs), data.target, data.length)
    wanted = dict(zip(net.parameters(), torch.autograd.grad(loss, list(net.parameters())), strict=True))
    assert apart(found, wanted) < 1e-5


@pytest.mark.parametrize("chunk", [12, 5, 1])
def test_ottt_and_ostl_are_bptt_for_one_layer_that_is_read_without_memory(chunk):
    data = batch()
    one = OTTT(network(HELD), PerStepCrossEntropy(), SGD, chunk=chunk)
    assert apart(one.gradients(data)[2], one.backpropagated(data)) < 1e-5
    for loss in (PerStepCrossEntropy(), MeanMembraneCrossEntropy()):
        other = OSTL(network(recurrent(partial(ALIF, learnable=["tau_mem"]))), loss, SGD, chunk=chunk)
        assert apart(other.gradients(data)[2], other.backpropagated(data)) < 1e-5


def test_ottt_of_a_convolution_and_a_pooling():
    facts_of_maps = Facts((1, 6, 6), ("a", "b", "c"), 1e-3, 9)
    x = torch.rand(9, 2, 1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    data = Batch(x, torch.tensor([0, 2]), torch.tensor([9, 6]), torch.arange(2))
    torch.manual_seed(0)
    layers = {"conv": partial(nn.Conv2d, out_channels=3, kernel_size=3), "lif": HELD, "pool": nn.AvgPool2d(2),
              "flat": nn.Flatten, "out": nn.Linear}  # fmt: skip
    net = Network(layers, facts_of_maps).double()
    for chunk in (9, 4, 1):
        rule = OTTT(net, PerStepCrossEntropy(), SGD, chunk=chunk)
        assert apart(rule.gradients(data)[2], rule.backpropagated(data)) < 1e-5


def test_ottt_by_hand():
    # one LIF, decay 1/2, w = 1, x = 1 0 2, threshold 10: no spike; d[t] = l[t] s'(v[t] - 10), a = 1, 0.5, 2.25
    class Half(LIF):
        def coefficients(self, dt):
            return super().coefficients(dt)._replace(decay=0.5)

    fc = partial(nn.Linear, out_features=1, bias=False)
    net = Network({"fc": fc, "lif": partial(Half, threshold=10.0)}, Facts((1,), ("a",), 1e-3, 3)).double()
    net.layers["fc"].weight.data.fill_(1.0)
    x = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64).view(3, 1, 1)
    data = Batch(x, torch.tensor([0]), torch.tensor([3]), torch.tensor([0]))
    slope = net.layers["lif"].surrogate.derivative(torch.tensor([1.0, 0.5, 2.25], dtype=torch.float64) - 10).tolist()
    found = OTTT(net, MembraneMSE(), SGD, chunk=2).gradients(data)[2][net.layers["fc"].weight].item()
    # l[t] = 2 (0 - 1) / 3
    assert found == pytest.approx(-2 / 3 * (slope[0] * 1 + slope[1] * 0.5 + slope[2] * 2.25), rel=1e-6)
    alone = SLTT(net, MembraneMSE(), SGD, chunk=2).gradients(data)[2][net.layers["fc"].weight].item()
    assert alone == pytest.approx(-2 / 3 * (slope[0] * 1 + slope[2] * 2), rel=1e-6)


def test_decolle_hears_no_other_layer():
    torch.manual_seed(3)
    net, data = network(HELD, HELD, readout=LEAK), batch()
    rule = DECOLLE(net, PerStepCrossEntropy(), SGD, chunk=5).double()
    before = rule.gradients(data)[2]
    net.layers["out"].weight.data *= 3
    after = rule.gradients(data)[2]
    for name in ("fc0", "fc1"):
        assert torch.equal(before[net.layers[name].weight], after[net.layers[name].weight])
    # the first layer alone, read out by its own readout, with the same loss
    one = network(HELD, sizes=(6,))
    one.layers["out"].weight.data, one.layers["out"].bias.data = rule.readout_n0.clone(), torch.zeros(3).double()
    exact = OTTT(one, PerStepCrossEntropy(), SGD).backpropagated(data)
    torch.testing.assert_close(before[net.layers["fc0"].weight], exact[one.layers["fc0"].weight], rtol=1e-5, atol=1e-8)


def test_what_they_cannot_train_is_said():
    with pytest.raises(UserError, match="DECOLLE: MeanMembraneCrossEntropy is known at the end"):
        DECOLLE(network(HELD), MeanMembraneCrossEntropy(), SGD, chunk=5)
    normed = {"fc": partial(nn.Linear, out_features=4), "bn": nn.BatchNorm1d, "lif": HELD, "out": nn.Linear}
    net = Network(normed, facts())
    OTTT(net, PerStepCrossEntropy(), SGD, chunk=12)
    for rule, words in ((OTTT, "layers before lif"), (OSTL, "lif has a BatchNorm1d before it")):
        with pytest.raises(UserError, match=words):
            rule(net, PerStepCrossEntropy(), SGD, chunk=5)
    with pytest.raises(UserError, match="traces is 'own'"):
        OTTT(net, PerStepCrossEntropy(), SGD, traces="own")
    big = network(recurrent(HELD), sizes=(64,), steps=None)
    with pytest.raises(UserError, match="OSTL: its traces take"):
        OSTL(big, PerStepCrossEntropy(), SGD, memory=1e6).check(4)
