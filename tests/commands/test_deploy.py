"""deploy on a real small run and on its NIR file: the stages, the report, and every mistake."""

from __future__ import annotations

import json
import shutil

import nir
import numpy as np
import pytest

from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from tests.runs import SMALL


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "small"
    recipe = folder.parent / "small.yaml"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    train(compose(recipe, [*SMALL, "eval_after=false"]), folder, "small", [])
    return folder


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def test_every_stage_and_the_report(run, capsys):
    assert main(["deploy", str(run), "target=nir", "samples=16"]) == 0
    said = capsys.readouterr().out
    stages = [line.split()[0] for line in said.splitlines() if line[:1].strip()]
    order = ["graph", "map", "check", "quantise", "build", "simulate", "run", "report"]
    assert [s for s in stages if s in order] == order
    report = json.loads((run / "deploy" / "nir" / "report.json").read_text())
    assert report["samples"] == 16 and report["equal_bit_for_bit"]["simulated"]
    assert report["spike_agreement"]["simulated"] == {"hidden.0.neuron": 1.0}
    assert report["accuracy"]["float"] == report["accuracy"]["simulated"]
    assert report["spike_agreement"]["others"]["hidden.0.neuron"] < 1  # its reset is in the metadata alone
    assert "NIR cannot express reset: subtract" in said
    page = (run / "deploy" / "nir" / "report.html").read_text()
    assert "<svg" in page and "hidden.0.neuron" in page and "<script" not in page


def test_a_nir_file_with_and_without_data(run, capsys):
    assert main(["deploy", str(run), "target=nir", "samples=16"]) == 0
    file = shutil.copy(run / "deploy" / "nir" / "artefact" / "model.nir", run / "model.nir")
    assert main(["deploy", str(file), "target=nir"]) == 0
    report = json.loads((run / "deploy" / "nir" / "report.json").read_text())
    assert report["accuracy"] == {} and report["equal_bit_for_bit"]["simulated"]
    of_run = capsys.readouterr().out
    assert main(["deploy", str(file), "target=nir", "dataset=digits", "dataset.steps=8", "samples=16"]) == 0
    again = json.loads((run / "deploy" / "nir" / "report.json").read_text())
    assert again["accuracy"]["float"] == again["accuracy"]["simulated"] and "hidden.0.neuron" in of_run


def test_what_another_run_scores_that_was_quantised_after_training(run, trained, capsys):
    assert main(["deploy", str(run), "target=nir", "samples=16", f"beside={trained}"]) == 0
    report = json.loads((run / "deploy" / "nir" / "report.json").read_text())
    accuracy = report["accuracy"]["quantised"]
    assert report["beside"] == {"run": str(trained), "float": accuracy, "quantised": accuracy, "gain": 0.0}
    said = f"+0.00 points over {trained}, quantised after training"
    assert said in capsys.readouterr().out and said in (run / "deploy" / "nir" / "report.html").read_text()


def test_another_run_that_learned_from_the_test_samples_is_refused(run, trained, tmp_path, capsys):
    other = shutil.copytree(trained, tmp_path / "other")
    split = json.loads((other / "split.json").read_text())
    split["train"][:9], split["test"][:9] = split["test"][:9], split["train"][:9]
    (other / "split.json").write_text(json.dumps(split))
    assert main(["deploy", str(run), "target=nir", "samples=16", f"beside={other}"]) == 2
    assert "the same data set and seed" in capsys.readouterr().err


def test_conventions_that_a_nir_file_leaves_open(run, tmp_path, capsys):
    weight = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    ones = {key: np.ones(4, "float32") for key in ("tau", "r", "v_threshold")}
    zeros = {key: np.zeros(4, "float32") for key in ("v_leak", "v_reset")}
    ends = {"input": nir.Input({"input": np.array([3])}), "output": nir.Output({"output": np.array([4])})}
    nodes = {**ends, "fc": nir.Linear(weight), "n": nir.LIF(**ones, **zeros)}
    nir.write(tmp_path / "m.nir", nir.NIRGraph(nodes, [("input", "fc"), ("fc", "n"), ("n", "output")]))
    file = str(tmp_path / "m.nir")
    assert main(["deploy", file, "target=nir"]) == 2
    assert "nir.dt=1e-3" in capsys.readouterr().err
    assert main(["deploy", file, "target=nir", "nir.dt=0.1", "nir.decay=euler"]) == 0
    said = capsys.readouterr()
    assert "dt 0.1 s" in said.out and "note:" not in said.err
    report = json.loads((tmp_path / "deploy" / "nir" / "report.json").read_text())
    assert "decay=euler" in report["layers"]["n"]["neuron"] and report["equal_bit_for_bit"]["simulated"]
    assert main(["deploy", file, "target=nir", "nir.reste=subtract"]) == 2
    assert "network.reset " in capsys.readouterr().err


def test_a_dry_run_builds_nothing(run, capsys):
    assert main(["deploy", str(run), "target=nir", "--dry-run"]) == 0
    assert "would build" in capsys.readouterr().out and not (run / "deploy").exists()


def test_an_artefact_that_was_edited_is_refused(run, capsys):
    assert main(["deploy", str(run), "target=nir", "samples=4"]) == 0
    assert main(["deploy", str(run), "target=nir", "samples=4", "--emulate"]) == 0
    assert "is there, unchanged" in capsys.readouterr().out
    assert "emulated" in json.loads((run / "deploy" / "nir" / "report.json").read_text())["accuracy"]
    file = run / "deploy" / "nir" / "artefact" / "model.nir"
    file.write_bytes(file.read_bytes() + b"x")
    assert main(["deploy", str(run), "target=nir", "--emulate"]) == 2
    assert "model.nir was edited after it was built" in capsys.readouterr().err


def test_no_device_is_exit_3_and_keeps_the_artefact(run, capsys):
    assert main(["deploy", str(run), "target=nir", "samples=4", "--flash"]) == 3
    assert "the artefact is kept in" in capsys.readouterr().err
    assert (run / "deploy" / "nir" / "artefact" / "model.nir").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "deploy needs a run"),
        (["RUN"], "deploy needs a target"),
        (["RUN", "target=nri"], "unknown option  target=nri"),
        (["RUN", "target=nir", "--flahs"], "deploy takes no --flahs"),
        (["RUN", "target=nir", "--flash", "--dry-run"], "exclude each other"),
        (["RUN", "target=nir", "samples=0"], "samples=0 is not a number"),
        (["RUN", "target=nir", "neuron.tau_mme=1"], "neuron.tau_mme"),
        (["nowhere", "target=nir"], "no run in nowhere"),
        (["nowhere.nir", "target=nir"], "nowhere.nir"),
    ],
)
def test_a_mistake_is_one_message(args, says, trained, capsys):
    assert main(["deploy", *(str(trained) if a == "RUN" else a for a in args)]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error


def test_check_places_a_recipe_before_training(capsys):
    assert main(["check", *SMALL, "target=nir"]) == 0
    assert "fits nir" in capsys.readouterr().out


def test_ls_names_the_tools_of_a_target(capsys):
    assert main(["ls", "targets"]) == 0
    said = capsys.readouterr().out
    assert "onnxruntime (simulate): " in said and "nir " in said
