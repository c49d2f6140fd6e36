"""Layers over time that hide a linear layer: their operations are counted as of that one, in figures and penalties."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.metrics import NeuroBench
from snnctl.metrics.synapses import fan_out
from snnctl.networks import DelayedLinear, Network, StandardisedConv2d, StochasticLinear
from snnctl.neurons import SLSTM, SpikingGRU, SpikingLSTM, SpikingRNN
from snnctl.regimes.watching import Watch

STEPS, BATCH = 4, 3
FACTS = Facts((5,), ("a", "b"), 1e-3, STEPS)
HIDING = [partial(StochasticLinear, out_features=4), partial(DelayedLinear, out_features=4, longest=2e-3)]


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(STEPS, BATCH, *shape, generator=torch.Generator().manual_seed(0)) < 0.4).float()


@pytest.mark.parametrize("hiding", HIDING, ids=lambda layer: layer.func.__name__)
def test_every_spike_meets_every_neuron(hiding):
    x = spikes(5)
    net = Network({"hiding": hiding, "out": nn.Linear}, FACTS)
    with NeuroBench(net) as bench:
        bench.run(x, torch.full((BATCH,), STEPS))
    row = next(r for r in bench.result().layers if r.layer == "hiding")
    assert (row.operation, row.effective) == ("AC", x.sum().item() * 4 / BATCH)
    assert row.dense == STEPS * 5 * 4


@pytest.mark.parametrize("hiding", HIDING, ids=lambda layer: layer.func.__name__)
def test_a_penalty_sees_them_and_has_a_gradient(hiding):
    x = spikes(5).requires_grad_()
    net = Network({"hiding": hiding, "out": nn.Linear}, FACTS).train()
    watch = Watch(net, {"operations"})
    watch.begin(BATCH)
    net(x)
    seen = watch.seen("operations")["hiding"]
    torch.testing.assert_close(seen, x.sum(2) * 4)
    (grad,) = torch.autograd.grad(seen.sum(), x)
    assert torch.equal(grad, torch.full_like(x, 4.0))


@pytest.mark.parametrize("cells", [SLSTM, SpikingGRU, SpikingLSTM, SpikingRNN], ids=lambda kind: kind.__name__)
def test_gates_meet_the_input_and_what_comes_back(cells):
    x = spikes(5)
    net = Network({"cells": partial(cells, out_features=4), "out": nn.Linear}, FACTS)
    with NeuroBench(net) as bench:
        bench.run(x, torch.full((BATCH,), STEPS))
    rows = {row.layer: row for row in bench.result().layers}
    gates = net.layers["cells"].input.out_features
    assert rows["cells"].effective == x.sum().item() * gates / BATCH
    _, _, states = net.layers["cells"].trace(x, dt=1e-3)
    back = states[cells.State._fields[-1]][:-1]
    assert rows["cells.feedback"].effective == back.count_nonzero().item() * gates / BATCH
    assert rows["cells.feedback"].dense == STEPS * 4 * gates


def test_missing_synapses_do_not_count():
    layer = StochasticLinear(5, 4)
    layer.weight.data[:, 2] = 0
    assert fan_out(layer, (5,))[0].tolist() == [4, 4, 0, 4, 4]


def test_standardised_weights_are_those_that_count():
    layer, like = StandardisedConv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)
    for a, b in zip(fan_out(layer, (2, 5, 5)), fan_out(like, (2, 5, 5)), strict=True):
        torch.testing.assert_close(a, b)
    x = spikes(2, 5, 5)[0]
    torch.testing.assert_close(layer.plain()(x), layer(x))
    assert type(layer.plain()) is nn.Conv2d and type(layer) is StandardisedConv2d
