"""A run whose targets are traces: trained, tested, recorded; and what has no meaning there is refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from snnctl.cli import main

SMALL = ["trainer.max_epochs=1", "network.hidden=[8]", "dataset.source.train=3", "dataset.source.rows=6"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces") / "run"
    assert main(["train", "regression_lif", *SMALL, f"hydra.run.dir={folder}"]) == 0
    return folder


def test_results_have_a_loss_and_no_accuracy(run):
    results = json.loads((run / "results.json").read_text())
    assert results["test/loss"] > 0 and results["test/samples"] == 3
    assert not {"test/acc", "classes", "confusion"} & set(results)
    assert json.loads((run / "facts.json").read_text())["targets"] == "traces"


def test_the_loss_is_that_of_the_written_traces(run):
    rows = list(csv.DictReader((run / "predictions.csv").open()))
    assert [(int(r["sample"]), int(r["step"])) for r in rows] == [(i, t) for i in range(3) for t in range(6)]
    apart = np.array([float(r["output y"]) - float(r["target y"]) for r in rows])
    results = json.loads((run / "results.json").read_text())
    assert np.square(apart).mean() == pytest.approx(results["test/loss"], rel=1e-4)


def test_a_recording_names_no_class(run, capsys):
    assert main(["eval", str(run), "record=[v,grad_input]", "samples=2"]) == 0
    told = capsys.readouterr().out
    assert "test loss" in told and "accuracy" not in told
    assert np.load(run / "recorded.npz")["target"].shape == (6, 2, 1)


def test_it_is_deployed_without_an_accuracy(run):
    assert main(["deploy", str(run), "target=nir"]) == 0
    report = json.loads(next((run / "deploy").glob("*/report.json")).read_text())
    assert not report.get("accuracy")


def test_data_info_counts_traces(capsys):
    assert main(["data", "info", "functions"]) == 0
    assert "1 trace" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("regime=eprop", "EProp learns from classes, Functions has traces"),
        ("decoder=count", "a decoder names classes, Functions has traces"),
    ],
)
def test_what_needs_classes_is_refused(override, told, tmp_path, capsys):
    assert main(["train", "regression_lif", *SMALL, override, f"hydra.run.dir={tmp_path / 'run'}"]) == 2
    assert told in capsys.readouterr().err
