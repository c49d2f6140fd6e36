"""FPTT: what a chunk's step is, by hand."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy, MembraneMSE, PerStepCrossEntropy
from snnctl.networks import Network
from snnctl.regimes.online.fptt import FPTT
from tests.regimes.online.drawn import SGD, network


def test_by_hand():
    # y[t] = w x[t], x = 1 2 3, wanted 1, l = (w x - 1)^2 / 3 a step, plain descent of rate 0.1, alpha 0.5
    fc = partial(nn.Linear, out_features=1, bias=False)
    net = Network({"fc": fc}, Facts((1,), ("a",), 1e-3, 3)).double()
    weight = net.layers["fc"].weight
    weight.data.fill_(2.0)
    rule = FPTT(net, MembraneMSE(), SGD, chunk=1, alpha=0.5).double()

    def move(gradients):
        weight.data -= 0.1 * gradients[weight]

    rule.update = move
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).view(3, 1, 1)
    batch = Batch(x, torch.tensor([0]), torch.tensor([3]), torch.tensor([0]))
    w, mean, past, seen = 2.0, 2.0, 0.0, []
    for epoch in range(2):
        move(rule.gradients(batch)[2])
        for value in (1.0, 2.0, 3.0):
            gradient = 2 / 3 * (w * value - 1) * value
            w -= 0.1 * (gradient - past + 0.5 * (w - mean))
            past -= 0.5 * (w - mean)
            mean = (mean + w) / 2 - past
            seen.append(w)
        assert weight.item() == pytest.approx(w, rel=1e-6), epoch
    assert seen[:2] == pytest.approx([1.93333333, 1.55444444])


def test_what_it_carries_is_in_its_checkpoint():
    rule = FPTT(network(), PerStepCrossEntropy(), SGD, chunk=4)
    names = {"mean_0", "lambda_0", "mean_1", "lambda_1", "moved"}
    assert names <= set(rule.state_dict())


def test_what_it_cannot_train_is_said():
    with pytest.raises(UserError, match="FPTT: MeanMembraneCrossEntropy is known at the end"):
        FPTT(network(), MeanMembraneCrossEntropy(), SGD, chunk=4)
    with pytest.raises(UserError, match=r"regime\.alpha = 0"):
        FPTT(network(), PerStepCrossEntropy(), SGD, alpha=0)
    with pytest.raises(UserError, match=r"regime.update_every = 8, regime.chunk = 4"):
        FPTT(network(), PerStepCrossEntropy(), SGD, chunk=4, update_every=8)
