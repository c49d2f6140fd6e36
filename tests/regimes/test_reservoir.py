"""Ridge regression of what the readout reads, and nothing else trained."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MaxMembraneCrossEntropy, MeanMembraneCrossEntropy
from snnctl.networks import Network, Recurrent
from snnctl.neurons import LI, LIF
from snnctl.regimes.reservoir import Reservoir
from tests.runs import SMALL, assert_same_run

FACTS = Facts((5,), ("a", "b", "c"), 1e-3, 10)


class Alone:
    """As much of a trainer as is asked for."""

    world_size, sanity_checking = 1, False


def regime(loss=None, readout=LI, neuron=LIF, **options) -> Reservoir:
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=16), "rec": partial(Recurrent, neuron=neuron), "out": nn.Linear}
    made = Reservoir(Network({**layers, "li": readout}, FACTS), loss or MeanMembraneCrossEntropy(), None, **options)
    made._trainer = Alone()
    return made


def batch(count: int = 40) -> Batch:
    draw = torch.Generator().manual_seed(1)
    x = torch.rand(10, count, 5, generator=draw) * 2
    length = torch.randint(4, 11, (count,), generator=draw)
    return Batch(x, torch.randint(3, (count,), generator=draw), length, torch.arange(count))


def test_the_scores_of_the_network_are_those_that_were_solved_for():
    made, data = regime(ridge=1e-3), batch()
    made.learn(data)
    made.solve()
    z = made.features(data)
    w = torch.cat([made.linear.weight, made.linear.bias[:, None]], 1).double()
    scores = made.loss.scores(made.network(data.x)[0], data.length)
    torch.testing.assert_close(scores, (z @ w.t()).float(), rtol=1e-4, atol=1e-4)


def test_the_weights_are_those_of_ridge_regression():
    made, data = regime(ridge=1e-2), batch()
    made.learn(data)
    made.solve()
    z, y = made.features(data).numpy(), np.eye(3)[data.target.numpy()]
    # ridge as least squares with rows of sqrt(ridge n) for each weight but the bias
    more = np.sqrt(1e-2 * len(z)) * np.eye(z.shape[1])[:-1]
    expected = np.linalg.lstsq(np.concatenate([z, more]), np.concatenate([y, np.zeros((len(more), 3))]), rcond=None)[0]
    np.testing.assert_allclose(made.linear.weight.numpy(), expected[:-1].T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made.linear.bias.numpy(), expected[-1], rtol=1e-4, atol=1e-5)


def test_batches_change_no_weight():
    whole, parts, data = regime(), regime(), batch()
    whole.learn(data)
    for i in range(0, 40, 15):
        parts.learn(Batch(data.x[:, i : i + 15], *(field[i : i + 15] for field in data[1:])))
    whole.solve(), parts.solve()
    torch.testing.assert_close(parts.linear.weight, whole.linear.weight)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"loss": MaxMembraneCrossEntropy()}, "does not read the mean membrane"),
        ({"readout": partial(LIF, tau_mem=20e-3)}, "ends in Linear, LIF"),
        ({"neuron": nn.ReLU()}, "no neurons that spike"),
        ({"ridge": 0.0}, "ridge"),
    ],
)
def test_what_it_cannot_train_is_said_before_training(change, problem):
    with pytest.raises(UserError, match=problem):
        regime(**change)


def test_a_run_that_goes_on_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fixed = [*SMALL, "regime=reservoir", "neuron.tau_mem=50e-3"]
    assert main(["train", *fixed, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *fixed, "trainer.max_epochs=1", "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
