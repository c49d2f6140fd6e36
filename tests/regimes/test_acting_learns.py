"""Each gradient regime finds the better of two actions; each rule's numbers, written out."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.environments import Environment
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.acting.acting import Acting
from snnctl.regimes.acting.dqn import DQN
from snnctl.regimes.acting.playing import greedy
from snnctl.regimes.acting.ppo import PPO
from snnctl.regimes.acting.reinforce import REINFORCE


class Arms:
    """Two values, one of them 1: the action of its place earns 1, the other nothing; three times an episode."""

    name, shape, actions, steps = "Arms", (2,), ("left", "right"), None

    def make(self, pictures: bool = False):
        return ArmsGame()


class ArmsGame:
    def reset(self, *, seed=None):
        self.random, self.count = np.random.default_rng(seed), 0
        return self._seen(), {}

    def step(self, action):
        earned, self.count = float(action == self.place), self.count + 1
        return self._seen(), earned, self.count == 3, False, {}

    def _seen(self):
        self.place = int(self.random.integers(2))
        return np.eye(2)[self.place]


def built(kind: type[Acting], **options) -> Acting:
    torch.manual_seed(0)
    environment = Environment(Arms, players=8, steps=4, scale=3.0)
    layers = {"in": partial(nn.Linear, out_features=16), "lif": partial(LIF, tau_mem=5e-3), "out": nn.Linear,
              "li": partial(LI, tau_mem=20e-3)}  # fmt: skip
    regime = kind(
        Network(layers, environment.facts), MeanMembraneCrossEntropy(), partial(torch.optim.Adam, lr=1e-2), **options
    )
    regime.place = environment
    return regime


@pytest.mark.parametrize(("kind", "updates", "options"), [
    (PPO, 64, {"horizon": 8, "minibatches": 2, "passes": 2, "discount": 0.5}),
    (REINFORCE, 40, {"discount": 0.5}), (REINFORCE, 40, {"discount": 0.5, "baseline": "mean"}),
    (DQN, 80, {"discount": 0.0, "learn_after": 64, "explore_to": 1.0}),
])  # fmt: skip
def test_the_better_action_is_found(monkeypatch, kind, updates, options):
    monkeypatch.setattr(Acting, "environment", property(lambda self: self.place))
    regime = built(kind, **options)
    optimizer = torch.optim.Adam(regime.parameters(), lr=1e-2)
    for _ in range(updates):
        optimizer.zero_grad()
        regime.learn(None).backward()
        optimizer.step()
    scores = regime.preferences(regime.environment, np.eye(2, dtype=np.float32))
    assert scores.argmax(1).tolist() == [0, 1]
    result = regime.tallies["train"].result()
    assert result["length"] == 3 and 1.4 < result["return"] <= 3
    if kind is DQN:
        assert scores == pytest.approx(np.eye(2), abs=0.35)  # values: what the action earns
    else:
        gap = scores[:, ::-1] - scores
        assert (gap[[0, 1], [0, 1]] < -1).all()


def test_between_equal_scores_the_observation_decides():
    seen = np.random.default_rng(0).random((64, 3), dtype=np.float32)
    scores = np.tile(np.array([2.0, 0.0, 2.0, 1.0]), (64, 1))
    action = greedy(scores, seen)
    assert set(action.tolist()) == {0, 2}
    assert (greedy(scores[::-1], seen[::-1]) == action[::-1]).all()
    assert greedy(np.array([[0.0, 1.0]]), seen[:1]).tolist() == [1]
