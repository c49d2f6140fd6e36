"""Loggers by config write into the run's folder; one that is not installed says so."""

from __future__ import annotations

import sys
from pathlib import Path

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


@pytest.mark.parametrize(("name", "package"), [("wandb", "wandb"), ("mlflow", "mlflow-skinny")])
def test_a_logger_that_is_not_installed_names_the_package(recipe, monkeypatch, capsys, name, package):
    monkeypatch.setitem(sys.modules, name, None)
    assert main(["train", recipe, *SMALL, f"logger={name}"]) == 2
    err = capsys.readouterr().err
    assert f"Logger needs {name}, which is not installed" in err and f"pip install {package}\n" in err
    assert not list(Path("runs").glob("*"))
