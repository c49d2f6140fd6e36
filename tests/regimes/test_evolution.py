"""CMA-ES finds small losses without a gradient, repeats its draws, and counts what is no number."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import RunFailed, UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.evolution import Evolution
from tests.runs import SMALL, assert_same_run

pytest.importorskip("cmaes")


def regime(**options) -> Evolution:
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=6), "lif": partial(LIF, tau_mem=5e-3), "out": nn.Linear, "li": LI}
    network = Network(layers, Facts((4,), ("a", "b"), 1e-3, 6))
    made = Evolution(network, MeanMembraneCrossEntropy(), None, **options)
    made._row_due = lambda: False
    return made


def batch() -> Batch:
    x = (torch.rand(6, 32, 4, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    target = torch.arange(32) % 2
    x[:, :, 0] += target
    return Batch(x, target, torch.full((32,), 6), torch.arange(32))


@pytest.mark.parametrize("algorithm", ["cma", "sep_cma"])
def test_the_loss_falls_and_the_network_holds_the_mean(algorithm):
    made, data = regime(algorithm=algorithm, population=12), batch()
    before = float(made.judged(data, {})[0])
    with torch.no_grad():
        for _ in range(25):
            made.learn(data)
    after = float(made.judged(data, {})[0])
    assert after < 0.6 * before
    assert float(made.judged(data, made.parameters_at(made._strategy._mean))[0]) == pytest.approx(after)


def test_the_first_generation_is_drawn_around_the_weights_in_shares_of_their_deviation():
    made = regime(sigma=0.5, algorithm="sep_cma", population=200)
    made.start()
    drawn = np.stack([made._strategy.ask() for _ in range(400)])
    parts = [made.parameters_at(d)["layers.fc.weight"] for d in drawn]
    weight = made.network.layers["fc"].weight.detach()
    torch.testing.assert_close(torch.stack(parts).mean(0), weight, atol=0.06, rtol=0)
    assert float(torch.stack(parts).std(0).mean() / weight.std()) == pytest.approx(0.5, rel=0.05)


def test_draws_follow_from_seed_and_generation():
    a, b, c = regime(seed=1), regime(seed=1), regime(seed=2)
    with torch.no_grad():
        for made in (a, b, c):
            torch.rand(3)  # nothing else is drawn from
            made.learn(batch()), made.learn(batch())
    assert np.array_equal(a._strategy._mean, b._strategy._mean)
    assert not np.array_equal(a._strategy._mean, c._strategy._mean)


def test_a_candidate_without_a_finite_loss_is_the_worst_and_counted():
    made, whole = regime(population=6), Evolution.judged
    calls = []

    def judged(batch, parameters):
        loss, scores = whole(made, batch, parameters)
        calls.append(1)
        return (loss * torch.nan if len(calls) in (2, 3) else loss), scores

    made.judged = judged
    with torch.no_grad():
        made.learn(batch())
    assert made.nonfinite == 2 and np.isfinite(made._strategy._mean).all()
    made.judged = lambda b, p: (torch.tensor(torch.inf), torch.zeros(32, 2))
    with pytest.raises(RunFailed, match="no candidate"):
        made.learn(batch())


def test_what_it_cannot_do_is_said(monkeypatch):
    for options, problem in (({"population": 3}, "population"), ({"sigma": 0.0}, "sigma"), ({"algorithm": "es"}, "es")):
        with pytest.raises(UserError, match=problem):
            regime(**options)
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(UserError, match="not installed") as caught:
        regime()
    assert "pip install cmaes" in caught.value.hint and caught.value.exit_code == 2


def test_a_run_that_goes_on_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fixed = [*SMALL, "regime=evolution", "regime.population=4", "neuron.tau_mem=50e-3", "trainer.limit_train_batches=3"]
    assert main(["train", *fixed, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *fixed, "trainer.max_epochs=1", "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
