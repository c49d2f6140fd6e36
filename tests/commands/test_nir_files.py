"""A NIR file on the command line: written, evaluated, trained on, and kept by the run."""

from __future__ import annotations

import json
import shutil

import pytest

import snnctl
from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from snnctl.interchange import circuit_of, graph_of, read, write
from tests.runs import SMALL

FEW = [*(o for o in SMALL if not o.startswith("network")), "backend=eager"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small trained run, and its network as model.nir beside it."""
    folder = tmp_path_factory.mktemp("made")
    train(compose(None, [*SMALL, "backend=eager", "neuron.reset=zero"]), folder / "run", "digits_mlp", [])
    write(folder / "model.nir", graph_of(snnctl.load(folder / "run")))
    return folder


def test_it_is_evaluated_as_the_run_was(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(made)
    kept = tmp_path / "r.json"
    of_the_run = ["dataset=digits", "loss.label_smoothing=0.1"]  # as the default recipe has it
    assert main(["eval", "model.nir", *FEW, *of_the_run, f"results={kept}"]) == 0
    shown = capsys.readouterr().out
    assert "test accuracy" in shown and "assumed" not in shown and f"results in {kept}" in shown
    found, expected = json.loads(kept.read_text()), json.loads((made / "run" / "results.json").read_text())
    assert found["test/acc"] == expected["test/acc"] and found["test/samples"] == 24
    assert found["test/loss"] == pytest.approx(expected["test/loss"], rel=1e-5)
    assert found["neurobench"]["effective_acs"] == pytest.approx(expected["neurobench"]["effective_acs"])
    assert sorted(p.name for p in made.iterdir()) == ["model.nir", "run"]  # nothing is left behind
    assert main(["eval", "model.nir", *FEW, "dataset=digits", "nir.reset=subtract", f"results={kept}"]) == 0
    assert json.loads(kept.read_text())["test/loss"] != found["test/loss"]


def test_a_run_that_begins_with_it_keeps_it(made, tmp_path, capsys):
    shutil.copy(made / "model.nir", tmp_path / "here.nir")
    options = ["network=nir", f"network.nir={tmp_path / 'here.nir'}", "network.learnable=[tau_mem]", *FEW]
    train(compose(None, options), tmp_path / "run", "nir", options)
    (tmp_path / "here.nir").unlink()
    shutil.move(tmp_path / "run", tmp_path / "moved")
    results = json.loads((tmp_path / "moved" / "results.json").read_text())
    assert main(["eval", str(tmp_path / "moved")]) == 0
    assert json.loads((tmp_path / "moved" / "results.json").read_text()) == results
    network = snnctl.load(tmp_path / "moved")
    assert network.nir == str(tmp_path / "moved" / "network.nir")
    assert network.layers["readout"].learnable == ("tau_mem",)
    before = circuit_of(read(made / "model.nir")).populations["readout"].tau_mem
    assert network.layers["readout"].tau_mem.item() != pytest.approx(before, rel=1e-6)
    capsys.readouterr()
    assert main(["check", str(tmp_path / "moved")]) == 0
    assert "hidden.0.neuron" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.nir", "dataset=digits"], "no NIR file at nothing.nir"),
        (["model.nir"], "needs a data set"),
        (["model.nir", "dataset=digits", "record=[v]"], "record needs a run"),
        (["model.nir", "dataset=digits", "nir.rest=zero"], "unknown key  network.rest"),
        (["model.nir", "dataset=digits", "nir.reset=minus"], "reset is 'minus'"),
        (["model.nir", "dataset=digits", "dataset.layout=stacked"], "takes (2, 34, 34) a step, and the data set gives"),
        (["cut.nir", "dataset=digits"], "cut.nir is truncated"),
    ],
)
def test_mistakes(made, tmp_path, monkeypatch, capsys, arguments, said):
    shutil.copy(made / "model.nir", tmp_path)
    (tmp_path / "cut.nir").write_bytes((made / "model.nir").read_bytes()[:2000])
    monkeypatch.chdir(tmp_path)
    assert main(["eval", *arguments]) == 2
    assert said in capsys.readouterr().err
