"""The recipe nmnist_speck: trained, deployed, and as accurate on the chip's integers as in float."""

from __future__ import annotations

import json

import pytest

from snnctl.cli import main


def deployed(folder, shared_data, train: list[str], deploy: list[str]) -> dict:
    """The report of a run of the recipe on Speck 2f."""
    data = f"dataset.root={shared_data}/nmnist-1k"
    assert main(["train", "nmnist_speck", data, f"hydra.run.dir={folder}", *train]) == 0
    assert main(["deploy", str(folder), "target=speck/2f", *deploy]) == 0
    report = json.loads((folder / "deploy" / "speck_2f" / "report.json").read_text())
    assert report["equal_bit_for_bit"]["simulated"]
    return report


@pytest.mark.data
def test_a_short_run_learns_and_fits(tmp_path, shared_data):
    report = deployed(tmp_path / "run", shared_data, ["trainer.max_epochs=2", "eval_after=false"], ["samples=60"])
    assert len(report["cores"]) == 3 and not report["notes"]
    assert min(report["spike_agreement"]["simulated"].values()) > 0.8
    assert report["accuracy"]["simulated"] > 0.4 and abs(loss(report, "simulated")) < 0.1


@pytest.mark.slow
@pytest.mark.data
def test_the_whole_test_split_is_within_two_points_of_float(tmp_path, shared_data):
    report = deployed(tmp_path / "run", shared_data, ["eval_after=false"], [])
    assert report["samples"] == 200 and report["accuracy"]["float"] >= 0.93
    assert abs(loss(report, "simulated")) <= 0.02 and abs(loss(report, "event by event")) <= 0.02


def loss(report: dict, run: str) -> float:
    return report["accuracy"]["float"] - report["accuracy"][run]
