"""Loggers by config write into the run's folder; one that is not installed says so."""

from __future__ import annotations

import sys

import pytest

from snnctl.cli import main
from tests.runs import SMALL


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    return "./small.yaml"


def test_tensorboard_writes_what_metrics_csv_holds(recipe, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from snnctl.callbacks.metrics_csv import read

    few = [*SMALL, "trainer.max_epochs=2", "logger=tensorboard", "hydra.run.dir=run"]
    assert main(["train", recipe, *few]) == 0
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    logged = [e.value for e in events.Scalars("val/acc")]
    assert logged == pytest.approx(
        [row["val/acc"] for row in read(tmp_path / "run" / "metrics.csv") if "val/acc" in row]
    )
    assert len(logged) == 2


def test_a_logger_that_is_not_installed_names_the_package(recipe, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert main(["train", recipe, *SMALL, "logger=wandb", "logger.wandb.offline=true"]) == 2
    err = capsys.readouterr().err
    assert "wandb" in err and "pip install" in err and "Traceback" not in err
