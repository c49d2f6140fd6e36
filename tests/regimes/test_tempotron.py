"""The tempotron's rule is the sum of the responses up to the highest point."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.losses import Tempotron as Cost
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.tempotron import Tempotron

DT, MEM, SYN = 1e-3, 20e-3, 5e-3
READOUT = partial(LI, tau_mem=MEM, tau_syn=SYN)


def regime(readout=READOUT, loss=None, hidden=None) -> Tempotron:
    layers = {"fc": partial(nn.Linear, bias=False), "readout": readout}
    if hidden is not None:
        layers = {"first": partial(nn.Linear, out_features=4), "hidden": hidden, **layers}
    network = Network(layers, Facts((2,), ("a", "b"), DT, 12))
    return Tempotron(network, loss or Cost(), partial(torch.optim.SGD, lr=0.1))


def test_the_gradient_is_the_rule_of_the_paper():
    made = regime()
    weight = made.network.layers["fc"].weight
    with torch.no_grad():
        weight.copy_(torch.tensor([[0.1, 0.05], [0.4, 0.3]]))
    x = torch.zeros(12, 1, 2)
    times = {0: [0, 3], 1: [2]}
    for i, fired in times.items():
        for t in fired:
            x[t, 0, i] = 1.0
    batch = Batch(x, torch.tensor([0]), torch.tensor([12]), torch.tensor([0]))
    out = made.outputs(batch)
    made.loss(out, batch.target, batch.length).backward()
    b, a = math.exp(-DT / MEM), math.exp(-DT / SYN)

    def kernel(n):  # v of the plain steps, n steps after the spike
        return (b ** (n + 1) - a ** (n + 1)) / (b - a) if n >= 0 else 0.0

    for c, sign in ((0, -1.0), (1, 1.0)):  # class 0 should reach the threshold, class 1 should not
        top = int(out[:, 0, c].argmax())
        expected = [sign * sum(kernel(top - t) for t in times[i]) for i in (0, 1)]
        assert (float(out[top, 0, c]) >= 1.0) == (c == 1)
        torch.testing.assert_close(weight.grad[c], torch.tensor(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        ({"loss": MeanMembraneCrossEntropy()}, "is not its cost", "loss=tempotron"),
        ({"readout": LI}, "LI with tau_syn", "network=tempotron"),
        ({"readout": partial(LIF, tau_mem=MEM)}, "has LIF", "network=tempotron"),
        ({"hidden": partial(LIF, tau_mem=MEM)}, "has LIF, LI", "bptt"),
    ],
)
def test_what_it_cannot_train_is_said_before_training(change, problem, hint):
    with pytest.raises(UserError, match=problem) as caught:
        regime(**change)
    assert hint in caught.value.hint
