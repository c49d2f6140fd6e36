"""Keys of lightning.Trainer that touch what a run does around training, in the real command."""

from __future__ import annotations

import json

import pytest

from snnctl.cli import main
from snnctl.kernels import backend
from tests.runs import SMALL

SHORT = [*SMALL, "trainer.max_epochs=1", "eval_after=false", "hydra.run.dir=run"]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    return "./small.yaml"


def test_recomputing_keeps_no_layer_from_its_kernel(recipe, monkeypatch, capsys):
    monkeypatch.setattr(backend, "_programs", {})  # as in a process that has traced nothing yet
    assert main(["train", recipe, *SHORT, "regime.recompute=3"]) == 0
    assert "step by step" not in capsys.readouterr().err


def test_a_profile_lies_in_the_run(recipe, tmp_path):
    assert main(["train", recipe, *SHORT, "trainer.profiler=simple"]) == 0
    assert "run_training_epoch" in (tmp_path / "run" / "fit-profile.txt").read_text()


def test_what_lightning_refuses_while_it_starts_is_a_mistake_of_the_input(recipe, tmp_path, capsys):
    assert main(["train", recipe, *SHORT, "trainer.logger=false"]) == 2
    err = capsys.readouterr().err
    assert "LearningRateMonitor" in err and "Traceback" not in err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "failed"
