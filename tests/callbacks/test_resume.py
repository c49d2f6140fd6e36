"""A run that is stopped anywhere and resumed ends as one that was not: to the last bit."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from snnctl.callbacks.checkpoint import Checkpoint
from snnctl.callbacks.metrics_csv import read
from snnctl.commands.train import train
from snnctl.config import compose
from snnctl.errors import UserError
from tests.runs import SMALL, assert_same_run


class Killed(BaseException):
    """Stands in for SIGKILL: nothing after it runs in the training loop."""


def run(folder: Path, overrides: list[str], recipe: Path, kill_at: int | None = None, resuming: bool = False) -> None:
    """One run in this process; dies before the `kill_at`-th batch."""
    cfg = compose(recipe, [*SMALL, "+network.layers.drop={_target_: torch.nn.Dropout, p: 0.2}", *overrides])
    original = Checkpoint.on_train_batch_start

    def dies(self, trainer, pl_module, batch, batch_idx):
        original(self, trainer, pl_module, batch, batch_idx)
        if trainer.fit_loop.epoch_loop.batch_progress.total.ready == kill_at:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "on_train_batch_start", dies)
        try:
            train(cfg, folder, "small", [], resuming=resuming)
        except Killed:
            assert kill_at is not None


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    return path


ALWAYS = "callbacks.checkpoint.every_minutes=0"
CASES = {
    "plain": ([ALWAYS], [5, 12, 13, 30]),
    "accumulated": ([ALWAYS, "trainer.accumulate_grad_batches=3"], [8, 13]),
    "sanity": ([ALWAYS, "trainer.num_sanity_val_steps=2", "trainer.val_check_interval=5"], [6, 18]),
    "workers": ([ALWAYS, "dataset.num_workers=2"], [7, 20]),
    "epoch ends only": (["callbacks.checkpoint.every_minutes=60"], [9, 20]),
    "plateau": ([ALWAYS, "scheduler=plateau", "scheduler.patience=0"], [26]),
    "early": ([ALWAYS, "callbacks=early_stopping", "callbacks.early_stopping.patience=0"], [14]),
}


@pytest.mark.parametrize("name", CASES)
def test_resumed_equals_uninterrupted(tmp_path, recipe, name):
    overrides, kills = CASES[name]
    run(tmp_path / "whole", overrides, recipe)
    for resuming, kill_at in zip(itertools.chain([False], itertools.repeat(True)), [*kills, None], strict=False):
        run(tmp_path / "killed", overrides, recipe, kill_at, resuming)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_finished_run_trains_on_when_given_more_epochs(tmp_path, recipe):
    constant = ["scheduler=none", ALWAYS]
    run(tmp_path / "whole", constant, recipe)
    run(tmp_path / "short", [*constant, "trainer.max_epochs=2"], recipe)
    run(tmp_path / "short", constant, recipe, resuming=True)
    whole, short = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "short"))
    assert whole == short
    whole, short = ((tmp_path / name / "metrics.csv").read_text() for name in ("whole", "short"))
    assert whole == short


def test_checkpoints_hold_nothing_but_tensors_and_plain_values(tmp_path, recipe):
    run(tmp_path / "a", [], recipe)
    for name in ("last.ckpt", "best.ckpt"):
        kept = torch.load(tmp_path / "a" / "checkpoints" / name, weights_only=True)
        assert set(kept) >= {"state_dict", "optimizer_states", "snnctl"}


@pytest.mark.parametrize("scheduler", ["one_cycle", "cosine"])
def test_a_finished_run_given_more_epochs_stretches_its_schedule(tmp_path, recipe, scheduler, capsys):
    overrides = [f"scheduler={scheduler}", "backend=eager", "eval_after=false", "trainer.limit_train_batches=6"]
    rate = "callbacks.lr.logging_interval=step"
    run(tmp_path / "whole", [*overrides, rate, "trainer.max_epochs=3"], recipe)
    run(tmp_path / "short", [*overrides, rate, "trainer.max_epochs=2"], recipe)
    capsys.readouterr()
    run(tmp_path / "short", [*overrides, rate, "trainer.max_epochs=3"], recipe, resuming=True)
    assert (
        "the learning-rate schedule is stretched from 12 to 18 steps and goes on at step 12" in capsys.readouterr().out
    )
    whole, short = (torch.load(tmp_path / n / "checkpoints/last.ckpt", weights_only=True) for n in ("whole", "short"))
    assert short["global_step"] == 18
    rates = [kept["optimizer_states"][0]["param_groups"][0]["lr"] for kept in (whole, short)]
    assert rates[1] == pytest.approx(rates[0], rel=1e-6)
    rows = [read(tmp_path / name / "metrics.csv") for name in ("whole", "short")]
    columns = [{r["step"]: r["lr-AdamW"] for r in own if "lr-AdamW" in r} for own in rows]
    later = [step for step in columns[0] if step >= 12]
    assert later and [columns[1][s] for s in later] == pytest.approx([columns[0][s] for s in later], rel=1e-6)


def test_an_objective_that_nothing_logs_ends_the_run_at_the_first_validation(tmp_path, recipe):
    short = ["backend=eager", "trainer.limit_train_batches=2", "eval_after=false"]
    with pytest.raises(UserError) as caught:
        run(tmp_path / "a", [*short, "objective=val/ac"], recipe)
    assert "objective=val/ac" in caught.value.problem and "val/acc, val/loss" in caught.value.hint
    with pytest.raises(UserError, match="test/ac"):
        run(tmp_path / "b", [*short, "objective=test/ac", "dataset.val_fraction=0"], recipe)
    for number, objective in enumerate(("train/loss", "test/acc", "train/loss_step")):
        run(tmp_path / f"c{number}", [*short, f"objective={objective}", "trainer.num_sanity_val_steps=1"], recipe)
    run(tmp_path / "d", [*short, "dataset.val_fraction=0"], recipe)  # val/acc: right, only never measured
