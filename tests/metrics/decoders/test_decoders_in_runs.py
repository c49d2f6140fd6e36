"""A decoder chosen on the command line says which class is predicted, in training's validation and in eval."""

from __future__ import annotations

import json

import pytest

from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from snnctl.experiment import assemble
from tests.runs import SMALL

SPIKING = "neuron@network.readout=lif"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "small"
    recipe = folder.parent / "small.yaml"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    train(compose(recipe, [*SMALL, SPIKING, "loss=spike_count", "decoder=all_activity"]), folder, "small", [])
    return folder


def results(run) -> dict:
    return json.loads((run / "results.json").read_text())


def test_assigned_labels_are_learned_again_for_eval(run):
    before = results(run)
    assert main(["eval", str(run)]) == 0
    assert results(run)["test/acc"] == before["test/acc"]
    assert results(run)["neurobench"] == before["neurobench"]  # the training samples are not counted


@pytest.mark.parametrize("name", ["count", "first_spike", "ngram", "proportion_weighting", "max_membrane"])
def test_eval_takes_another_decoder(run, name):
    assert main(["eval", str(run), f"decoder={name}"]) == 0
    assert 0 <= results(run)["test/acc"] <= 1


def test_the_prediction_is_the_decoders(run):
    found = {}
    for name in ("loss", "count", "first_spike"):
        assert main(["eval", str(run), f"decoder={name}"]) == 0
        found[name] = (run / "predictions.csv").read_text()
    assert found["loss"] == found["count"] != found["first_spike"]  # the loss counts spikes


def test_without_a_decoder_the_loss_decides(tmp_path):
    recipe = tmp_path / "small.yaml"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    assert assemble(compose(recipe, SMALL)).regime.decoder is None
    assert type(assemble(compose(recipe, [*SMALL, "decoder=rate"])).regime.decoder).__name__ == "Rate"
