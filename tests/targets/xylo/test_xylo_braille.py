"""The recipe braille_xylo on Xylo Audio 3: trained, and simulated on the whole test part."""

from __future__ import annotations

import json

import pytest

from snnctl.cli import main


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_chip_keeps_the_accuracy(seed, tmp_path, shared_data):
    run = tmp_path / "run"
    words = [f"seed={seed}", f"dataset.root={shared_data}", f"hydra.run.dir={run}"]
    assert main(["train", "braille_xylo", *words]) == 0
    assert main(["deploy", str(run), "target=xylo/a3"]) == 0
    report = json.loads((run / "deploy" / "xylo_a3" / "report.json").read_text())
    accuracy = report["accuracy"]
    assert report["samples"] == 270 and report["equal_bit_for_bit"]["simulated"]
    assert accuracy["float"] > 0.98 and accuracy["simulated"] > accuracy["float"] - 0.02
