"""Networks without time: one frame a sample."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch, EventList
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LIF, ReLU
from snnctl.regimes.ann import ANN, constant, framed

FACTS = Facts((5,), ("a", "b", "c"), 1e-3, 6)
X = torch.rand(6, 4, 5, generator=torch.Generator().manual_seed(1))
LENGTH = torch.tensor([6, 3, 1, 6])


def regime(neuron=ReLU, **options) -> ANN:
    torch.manual_seed(0)
    network = Network({"fc": partial(nn.Linear, out_features=8), "neuron": neuron, "out": nn.Linear}, FACTS)
    return ANN(network, MeanMembraneCrossEntropy(), partial(torch.optim.SGD, lr=0.1), **options)


def test_frames_of_a_sequence():
    summed = framed(X, LENGTH)
    torch.testing.assert_close(summed[1], X[:3, 1].sum(0))  # padding is left out
    torch.testing.assert_close(framed(X, LENGTH, "mean")[1], X[:3, 1].mean(0))
    still = X[:1].expand(6, 4, 5)
    assert constant(still) and not constant(X)
    assert torch.equal(framed(still, LENGTH), X[0]) and torch.equal(framed(still, LENGTH, "mean"), X[0])
    events = EventList(torch.tensor([2, 2, 0], dtype=torch.int32), torch.tensor([0, 1, 1, 3, 3]), 2, 2, (5,))
    assert framed(events, torch.tensor([2, 2])).tolist() == [[1, 0, 2, 0, 0], [0, 0, 0, 0, 0]]


def test_it_trains_and_evaluates_on_the_frame():
    ann = regime()
    batch = Batch(X, torch.tensor([0, 1, 2, 0]), LENGTH, torch.arange(4))
    out = ann.outputs(batch)
    assert out.shape == (1, 4, 3) and torch.equal(out, ann(batch))
    assert torch.equal(out[0], ann.network(framed(X, LENGTH)[None])[0][0])
    one = ann.on_after_batch_transfer(batch, 0)
    assert one.x.shape == (1, 4, 5) and one.length.tolist() == [1] * 4
    assert torch.equal(ann(one), out)  # a frame of a frame is itself
    ann.loss(out, batch.target, batch.length).backward()
    assert all(p.grad.abs().sum() > 0 for p in ann.network.parameters())


def test_wrong_input():
    with pytest.raises(UserError, match=r"layer neuron \(LIF\) spikes"):
        regime(partial(LIF, tau_mem=5e-3))
    with pytest.raises(UserError, match=r"regime\.frame = 'max'"):
        regime(frame="max")
