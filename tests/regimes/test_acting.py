"""Regimes that act, in a small grid world: they resume to the last bit, say what they cannot, and learn."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import pytest
import torch

from snnctl.callbacks.checkpoint import Checkpoint
from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from snnctl.environments import EventGrid
from snnctl.environments.players import Players
from snnctl.errors import UserError
from snnctl.regimes.acting.replay import Replay
from tests.runs import assert_same_run

SMALL = [
    "environment=gridworld", "environment.world.size=3", "environment.world.pixels=1", "environment.world.steps=4",
    "environment.players=3", "environment.turns=6", "environment.val_episodes=2", "environment.test_episodes=3",
    "environment.world.longest=4", "network.hidden=[8]", "scheduler=none", "trainer.max_epochs=2", "backend=eager",
    "objective=val/return", "callbacks.checkpoint.every_minutes=0",
]  # fmt: skip
GRADIENT = ["network=mlp"]
LOCAL = ["network=mlp", "neuron@network.readout=lif", "loss=spike_count", "optimizer=sgd", "regime.init=[0.1,0.6]"]
CASES = {
    "ppo": [*GRADIENT, "regime=ppo", "regime.horizon=4", "regime.minibatches=2", "regime.passes=2"],
    "reinforce": [*GRADIENT, "regime=reinforce"],
    "dqn": [*GRADIENT, "regime=dqn", "regime.learn_after=6", "regime.replay=20", "regime.target_every=4"],
    "mstdp": [*LOCAL, "regime=mstdp", "regime.actions=2"],
    "mstdpet": [*LOCAL, "regime=mstdpet", "regime.epsilon=0.1", "regime.select=proportional"],
    "rmax": [*LOCAL[:1], "neuron=escape_lif", "neuron@network.readout=escape_lif", *LOCAL[2:], "regime=rmax"],
}


class Killed(BaseException):
    """Stands in for SIGKILL: nothing after it runs in the training loop."""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    return path


def run(folder: Path, recipe: Path, overrides: list[str], kill_at: int | None = None, resuming: bool = False) -> None:
    """One run in this process; dies before the `kill_at`-th turn."""
    original = Checkpoint.on_train_batch_start

    def dies(self, trainer, pl_module, batch, batch_idx):
        original(self, trainer, pl_module, batch, batch_idx)
        if trainer.fit_loop.epoch_loop.batch_progress.total.ready == kill_at:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "on_train_batch_start", dies)
        try:
            train(compose(recipe, [*SMALL, *overrides]), folder, "small", [], resuming=resuming)
        except Killed:
            assert kill_at is not None


@pytest.mark.parametrize("name", CASES)
def test_resumed_equals_uninterrupted(tmp_path, recipe, name):
    run(tmp_path / "whole", recipe, CASES[name])
    for resuming, kill_at in zip(itertools.chain([False], itertools.repeat(True)), [3, 8, None], strict=False):
        run(tmp_path / "killed", recipe, CASES[name], kill_at, resuming)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_finished_run_acts_on_when_given_more_epochs(tmp_path, recipe):
    short = [*CASES["dqn"], "eval_after=false"]
    run(tmp_path / "whole", recipe, short)
    run(tmp_path / "short", recipe, [*short, "trainer.max_epochs=1"])
    run(tmp_path / "short", recipe, short, resuming=True)
    whole, other = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "short"))
    assert whole == other


def test_an_evaluation_writes_returns_episodes_and_a_film(tmp_path, recipe, capsys):
    run(tmp_path / "run", recipe, CASES["ppo"])
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    rows = list(csv.DictReader((tmp_path / "run" / "episodes.csv").open()))
    assert results["test/episodes"] == len(rows) == 3
    totals = [float(row["return"]) for row in rows]
    assert results["test/return"] == pytest.approx(sum(totals) / 3)
    assert (tmp_path / "run" / "episode.gif").read_bytes()[:6] == b"GIF89a"
    assert (tmp_path / "run" / "returns.png").read_bytes()[1:4] == b"PNG"
    again = str(tmp_path / "run")
    capsys.readouterr()
    assert main(["eval", again, "environment.test_episodes=4"]) == 0
    assert "over 4 episodes" in capsys.readouterr().out
    assert main(["check", again]) == 0
    assert main(["deploy", again, "target=nir"]) == 0  # a policy is a plain network


@pytest.mark.parametrize(("overrides", "said"), [
    (["regime=ppo"], "learns to act"),
    (["regime=mstdp", "decoder=all_activity"], "learns to act"),
    (["environment=gridworld"], "learns from labels"),
    (["environment=gridworld", "regime=mstdp", "network=mlp"], "needs spikes behind it"),
    (["environment=gridworld", "regime=rmax", *LOCAL[:3]], "fire by chance"),
    (["environment=gridworld", "regime=mstdp", *LOCAL[:3], "regime.layers=[classe]"], "no linear layer"),
    (["environment=gridworld", "regime=mstdp", *LOCAL[:3], "regime.bounds=[1,0]"], "bounds"),
    (["environment=gridworld", "regime=ppo", "network=mlp", "regime.horizon=0"], "horizon"),
    (["environment=gridworld", "regime=dqn", "network=mlp", "regime.learn_after=20000"], "learn_after"),
    (["environment=gridworld", "regime=reinforce", "network=mlp", "regime.baseline=best"], "baseline"),
])  # fmt: skip
def test_what_cannot_be_trained_is_said_by_check(recipe, capsys, overrides, said):
    assert main(["check", str(recipe), *overrides]) == 2
    assert said in capsys.readouterr().err


def test_weights_that_leave_their_bounds_stop_the_run_where_asked(tmp_path, recipe):
    wild = [*LOCAL, "regime=mstdp", "regime.outside=stop", "optimizer.lr=100", "eval_after=false"]
    with pytest.raises(UserError, match="left 0 to 1"):
        run(tmp_path / "a", recipe, wild)
    run(tmp_path / "b", recipe, [*wild, "regime.outside=clip"])
    rows = list(csv.DictReader((tmp_path / "b" / "metrics.csv").open()))
    assert any(float(row["train/clipped"] or 0) > 0 for row in rows)


def test_a_grid_world_is_learned_by_reward_alone(tmp_path, recipe):
    small = [o for o in SMALL if "hidden" not in o]
    linear = ["network=linear", "+network.layers.classes.bias=false", "+network.layers.actions=${neuron}"]
    grown = ["environment.turns=90", "environment.world.longest=null", "environment.val_episodes=30",
             "environment.world.noise=0", "environment.world.steps=8", "environment.players=8",
             "eval_after=false"]  # fmt: skip
    learns = ["regime=mstdpet", "loss=spike_count", "optimizer=sgd", "optimizer.lr=1", "regime.init=[0.2,0.6]"]
    train(compose(recipe, [*small, *linear, *grown, *learns]), tmp_path / "a", "small", [])
    rows = list(csv.DictReader((tmp_path / "a" / "metrics.csv").open()))
    returns = [float(row["val/return"]) for row in rows if row["val/return"]]
    assert max(returns) > 0.7  # the best policy has 0.97, chance -0.4


def test_a_replay_keeps_the_latest():
    world = EventGrid(size=3, steps=2)
    players, replay = Players(world, 2, 1, "train"), Replay(5, (2, *world.shape))
    lived = []
    for n in range(4):
        seen = players.seen.copy()
        step = players.step([n, n])
        replay.add(seen, torch.tensor([n, n]), step)
        lived += [torch.as_tensor(own) for own in step.after]
    assert len(replay) == 5 and sorted(replay.action.tolist()) == [1, 2, 2, 3, 3]
    for place in range(5):
        assert any(torch.equal(replay.after[place], own) for own in lived[3:])
    other = Replay(5, (2, *world.shape))
    other.load_state_dict(replay.state_dict())
    drawn = []
    for own in (replay, other):
        torch.manual_seed(0)
        drawn.append(own.draw(7))
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
