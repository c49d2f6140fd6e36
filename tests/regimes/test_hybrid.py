"""A converted network is trained on: it begins where the conversion ended."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

from snnctl.cli import main
from tests.runs import SMALL, assert_same_run

FINE = ["regime=hybrid", "regime.start=snn", "scheduler=none", "trainer.max_epochs=1", "trainer.limit_val_batches=2",
        "trainer.limit_test_batches=2"]  # fmt: skip


@pytest.fixture
def converted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ann = [*SMALL, "regime=ann", "neuron=relu", "scheduler=none", "network.layers.readout=null"]
    assert main(["train", *ann, "trainer.max_epochs=2", "optimizer.lr=1e-3", "hydra.run.dir=ann"]) == 0
    short = ["convert.T=4", "convert.table=[4]", "convert.samples=64", "trainer.limit_test_batches=2"]
    assert main(["convert", "ann", *short, "hydra.run.dir=snn"]) == 0
    return tmp_path


def test_training_begins_with_the_converted_weights_and_goes_on_in_the_same_bits(converted):
    whole = ["trainer.limit_train_batches=4", "optimizer.lr=1e-3"]
    still = [*FINE, "trainer.limit_train_batches=1", "optimizer.lr=1e-12", "optimizer.weight_decay=0"]
    assert main(["train", *still, "hydra.run.dir=still"]) == 0
    before, after = (load_file(converted / run / "weights.safetensors") for run in ("snn", "still"))
    assert before.keys() == after.keys()
    assert all((before[name] - after[name]).abs().max() < 1e-6 for name in before)
    assert json.loads((converted / "snn" / "split.json").read_text()) == json.loads(
        (converted / "still" / "split.json").read_text()
    )
    assert main(["train", *FINE, *whole, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *FINE, *whole, "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    assert_same_run(converted / "whole", converted / "parts")
    moved = load_file(converted / "whole" / "weights.safetensors")
    assert any((before[name] - moved[name]).abs().max() > 1e-4 for name in before)
    assert main(["eval", "whole", "trainer.limit_test_batches=2"]) == 0


def test_what_it_cannot_begin_with_is_said_before_training(converted, capsys):
    for given, problem in ((["regime=hybrid"], "names no converted run"),
                           (["regime=hybrid", "regime.start=ann"], "is no converted network"),
                           (["regime=hybrid", "regime.start=nowhere"], "nowhere")):  # fmt: skip
        capsys.readouterr()
        assert main(["check", *given]) == 2
        assert problem in capsys.readouterr().err
