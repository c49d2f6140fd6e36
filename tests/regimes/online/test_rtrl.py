"""RTRL: BPTT's gradient, whatever the network and the chunk."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MaxMembraneCrossEntropy, MeanMembraneCrossEntropy, MembraneMSE, PerStepCrossEntropy
from snnctl.networks import AllToAll, Network, OneToOne
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from snnctl.regimes.online.rtrl import RTRL
from tests.regimes.online.drawn import SGD, apart, batch, facts, network, recurrent

TAU = {"tau_mem": 5e-3}
NEURONS = {
    "lif": partial(LIF, **TAU),
    "learnable": partial(LIF, learnable=["tau_mem", "threshold"], **TAU),
    "late reset": partial(LIF, reset_delay=True, reset="zero", **TAU),
    "cuba": partial(CubaLIF, tau_syn=3e-3, **TAU),
    "recurrent": recurrent(partial(LIF, **TAU)),
    "adaptive": recurrent(partial(ALIF, **TAU), feedback=partial(AllToAll, autapses=False, bias=True)),
    "one to one": recurrent(partial(LIF, **TAU), feedback=OneToOne),
}
LOSSES = (PerStepCrossEntropy(), MeanMembraneCrossEntropy(), MaxMembraneCrossEntropy(),
          PerStepCrossEntropy(class_weights=[1.0, 2.0, 0.5]), MembraneMSE())  # fmt: skip


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(NEURONS)), min_size=1, max_size=2),
    leaks=st.booleans(),
    loss=st.sampled_from(LOSSES),
    chunk=st.integers(1, 7),
    lengths=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_it_is_the_gradient_of_bptt(names, leaks, loss, chunk, lengths):
    net = network(*(NEURONS[n] for n in names), steps=9, readout=partial(LI, **TAU) if leaks else None)
    data = batch(9, lengths)
    rule = RTRL(net, loss, SGD, chunk=chunk)
    total, scores, found = rule.gradients(data)
    assert apart(found, rule.backpropagated(data)) < 1e-5
    out = net(data.x)[0]
    torch.testing.assert_close(
        total, loss(out, data.target, data.length).detach(), rtol=1e-5, atol=1e-6, check_dtype=False
    )
    torch.testing.assert_close(scores, loss.scores(out, data.length).detach(), rtol=1e-5, atol=1e-6, check_dtype=False)


def test_by_hand():
    # v[t] = v[t-1] / 2 + w x[t], w = 1, x = 1 0 2: v = 1, 0.5, 2.25; dv/dw = 1, 0.5, 2.25, wanted is 1 at each step
    class Half(LI):
        def coefficients(self, dt):
            return super().coefficients(dt)._replace(decay=0.5)

    fc = partial(nn.Linear, out_features=1, bias=False)
    net = Network({"fc": fc, "li": Half}, Facts((1,), ("a",), 1e-3, 3)).double()
    net.layers["fc"].weight.data.fill_(1.0)
    x = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64).view(3, 1, 1)
    data = Batch(x, torch.tensor([0]), torch.tensor([3]), torch.tensor([0]))
    for chunk in (1, 2, 3):
        loss, _, found = RTRL(net, MembraneMSE(), SGD, chunk=chunk).gradients(data)
        # L = ((1-1)^2 + (0.5-1)^2 + (2.25-1)^2) / 3, dL/dw = 2/3 (0 * 1 - 0.5 * 0.5 + 1.25 * 2.25)
        assert loss.item() == pytest.approx((0.25 + 1.5625) / 3)
        assert found[net.layers["fc"].weight].item() == pytest.approx(2 / 3 * (-0.25 + 2.8125))


def test_its_traces_grow_with_the_cube_of_the_neurons_and_are_refused_past_memory():
    small, large = (
        RTRL(network(NEURONS["recurrent"], sizes=(n,), steps=None), PerStepCrossEntropy(), SGD, chunk=5, memory=1e6)
        for n in (8, 64)
    )
    # float64: 3 x B x (v and out of n neurons) x (5 n + n + n n + 3 n + 3 weights)
    assert small.traces(2) == 3 * 2 * (2 * 8) * (5 * 8 + 8 + 64 + 27) * 8
    small.check(2)
    with pytest.raises(UserError, match=r"traces take 0\.0287 GB at a batch of 2") as raised:
        large.check(2)
    assert "regime=eprop" in raised.value.hint
    RTRL(network(NEURONS["recurrent"], sizes=(64,)), PerStepCrossEntropy(), SGD, chunk=12, memory=1e6).check(2)


def test_a_batch_norm_is_refused_where_chunks_follow_each_other():
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=4), "bn": nn.BatchNorm1d, "lif": LIF, "out": nn.Linear}
    net = Network(layers, facts())
    RTRL(net, PerStepCrossEntropy(), SGD, chunk=12)
    with pytest.raises(UserError, match=r"bn \(BatchNorm1d\) makes samples depend"):
        RTRL(net, PerStepCrossEntropy(), SGD, chunk=6)
