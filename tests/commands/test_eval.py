"""eval on a run's folder: figures, files, recordings; and what is no run."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import snnctl
from snnctl.cli import main
from snnctl.commands.train import train
from snnctl.config import compose
from tests.datasets.toy import events as toy_events
from tests.runs import SMALL


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small trained run; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("run") / "small"
    recipe = folder.parent / "small.yaml"
    recipe.write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    train(compose(recipe, SMALL), folder, "small", [])
    return folder


def test_results_predictions_and_table(run, capsys):
    before = json.loads((run / "results.json").read_text())
    assert main(["eval", str(run)]) == 0
    results = json.loads((run / "results.json").read_text())
    assert results == before  # the same weights on the same samples
    rows = list(csv.DictReader((run / "predictions.csv").open()))
    right = sum(row["target"] == row["prediction"] for row in rows)
    assert len(rows) == results["test/samples"] == 24
    assert right / len(rows) == pytest.approx(results["test/acc"])
    assert np.trace(results["confusion"]) == right
    assert results["neurobench"]["footprint"] == 4 * sum(p.numel() for p in snnctl.load(run).parameters())
    bench, energy = results["neurobench"], results["energy"]
    assert energy["pj_per_sample"] == pytest.approx(0.9 * bench["effective_acs"] + 4.6 * bench["effective_macs"])
    assert energy["pj_per_sample"] > 0 and "10.1109/ISSCC.2014.6757323" in energy["source"]
    printed = capsys.readouterr().out
    assert "0.9 pJ an AC, 4.6 pJ a MAC" in printed and "without memory accesses" in printed
    assert "test accuracy" in printed and "hidden.0.neuron" in printed and "synaptic operations" in printed


def test_recording(run, capsys):
    assert main(["eval", str(run), "record=[spikes,v]", "samples=3"]) == 0
    kept = np.load(run / "recorded.npz")
    assert kept["input"].shape == (8, 3, 2, 34, 34)
    assert kept["hidden.0.neuron/spikes"].shape == kept["hidden.0.neuron/v"].shape == (8, 3, 16)
    assert set(np.unique(kept["hidden.0.neuron/spikes"])) <= {0, 1}
    pictures = sorted((run / "recorded").glob("*.png"))
    assert len(pictures) == 3 and all(p.read_bytes().startswith(b"\x89PNG") for p in pictures)
    network = snnctl.load(run)
    out, _ = network(torch.from_numpy(kept["input"]))
    np.testing.assert_allclose(out.detach().numpy(), kept["readout/v"], atol=1e-6)


def test_an_unknown_field_names_the_nearest(run, capsys):
    assert main(["eval", str(run), "record=[spike]"]) == 2
    assert "did you mean   spikes" in capsys.readouterr().err


def test_a_wrong_field_is_told_before_the_evaluation(run, capsys):
    assert main(["eval", str(run), "record=[spikes,v,j]"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "spikes, v" in captured.err


def test_the_current_of_a_neuron_without_a_synapse_is_its_input(run):
    assert main(["eval", str(run), "record=[i,input]", "samples=2"]) == 0
    kept = np.load(run / "recorded.npz")
    assert kept["hidden.0.neuron/i"].shape == (8, 2, 16) and kept["hidden.0.neuron/i"].any()
    np.testing.assert_array_equal(kept["hidden.0.neuron/i"], kept["hidden.0.neuron/input"])


@pytest.mark.parametrize("word", ["samples=-3", "samples=0", "samples=x", "samples=2.5", "record=3"])
def test_what_is_no_number_of_samples_and_no_list_of_fields(run, capsys, word):
    assert main(["eval", str(run), "record=[v]", word]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and word in captured.err


def test_recorded_samples_are_spread_over_the_part_and_earlier_pictures_go(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    assert main(["eval", str(copy), "record=[v]", "samples=5"]) == 0
    assert main(["eval", str(copy), "record=[v]", "samples=4"]) == 0
    kept = np.load(copy / "recorded.npz")
    part = len(json.loads((copy / "split.json").read_text())["test"])
    assert kept["sample"].tolist() == [i * part // 4 for i in range(4)]
    assert len(set(kept["target"].tolist())) > 1
    assert len(list((copy / "recorded").glob("*.png"))) == 4


def test_a_checkpoint_is_evaluated_with_its_run(run):
    assert main(["eval", str(run / "checkpoints" / "last.ckpt")]) == 0


def test_not_a_run(tmp_path, capsys):
    assert main(["eval", str(tmp_path / "nothing")]) == 2
    assert "no run in" in capsys.readouterr().err


def test_a_run_without_a_finished_checkpoint(run, tmp_path, capsys):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "weights.safetensors").unlink()
    assert main(["eval", str(copy)]) == 2
    assert "has no finished checkpoint" in capsys.readouterr().err


def test_damaged_weights(run, tmp_path, capsys):
    copy = shutil.copytree(run, tmp_path / "copy")
    weights = copy / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert main(["eval", str(copy)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_weights_of_another_network(run, tmp_path, capsys):
    assert main(["eval", str(run), "network.hidden=[17]"]) == 2
    err = capsys.readouterr().err
    assert "from another network" in err and "(16, 2312) in the checkpoint, (17, 2312) in this network" in err


def test_a_resume_that_is_refused_leaves_the_run_as_it_was(run, tmp_path, capsys):
    copy = shutil.copytree(run, tmp_path / "copy")
    before = (copy / "run.json").read_text()
    assert main(["train", "--resume", str(copy), "network.hidden=[17]"]) == 2
    captured = capsys.readouterr()
    assert "from another network" in captured.err and captured.out == ""
    last = copy / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-100])
    assert main(["train", "--resume", str(copy)]) == 2
    assert "last.ckpt is damaged" in capsys.readouterr().err
    assert (copy / "run.json").read_text() == before


def test_two_runs_in_one_folder(run, capsys):
    recipe = run.parent / "small.yaml"
    assert main(["train", str(recipe), *SMALL, f"hydra.run.dir={run}"]) == 2
    assert "there is a run in" in capsys.readouterr().err


def test_a_loss_that_is_no_number_names_the_layer_and_keeps_the_checkpoint(run, tmp_path, capsys):
    recipe = run.parent / "small.yaml"
    folder = tmp_path / "nan"
    huge = ["optimizer=sgd", "optimizer.lr=1e38", "scheduler=none", "optimizer.momentum=0", "optimizer.nesterov=false"]
    rest = [o for o in SMALL if not o.startswith("optimizer")]
    often = "callbacks.checkpoint.every_minutes=0"
    assert main(["train", str(recipe), *rest, *huge, often, f"hydra.run.dir={folder}"]) == 2
    err = capsys.readouterr().err
    assert "the loss is" in err and "last good checkpoint is kept" in err
    assert re.search("layer (hidden.0.linear|classes)", err)
    assert json.loads((folder / "run.json").read_text())["state"] == "failed"
    folder = tmp_path / "at once"
    assert main(["train", str(recipe), *rest, *huge, f"hydra.run.dir={folder}"]) == 2
    err = capsys.readouterr().err
    assert "no checkpoint has been written yet" in err and "requires_grad" not in err


def test_a_mistake_found_before_training_leaves_no_run_behind(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    missing = ["dataset=braille", "network=mlp", f"dataset.root={tmp_path / 'none'}"]
    assert main(["train", str(run.parent / "small.yaml"), *missing]) == 2
    assert "braille" in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("seed=99999999999999999999999", "seed is 99999999999999999999999"),
        ("optimizer.lr=-1", "optimizer: Invalid learning rate"),
        ("scheduler.pct_start=5", "scheduler: "),
        ("trainer.accelerator=tpu", "trainer (lightning.Trainer)"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0 trains nothing"),
    ],
)
def test_a_value_that_torch_or_lightning_refuses_is_exit_2_and_leaves_no_run(
    run, tmp_path, monkeypatch, capsys, word, said
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(run.parent / "small.yaml"), *SMALL, word]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*"))


def test_recordings_that_are_left_out_are_named_counted_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for i in range(20):
        folder = tmp_path / "set" / f"class{i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{i:02d}.npy", toy_events(rng, 60, (2, 6, 6)))
    for i in (3, 5, 8, 9):
        (tmp_path / "set" / f"class{i % 2}" / f"{i:02d}.npy").write_bytes(b"xx")
    recipe = tmp_path / "own.yaml"
    recipe.write_text(
        "# own\ndefaults:\n  - train\n  - override dataset: folder\n  - override network: mlp\n  - _self_\n"
        "dataset: {steps: 4, dt: null, duration: 0.1, source: {shape: [2, 6, 6]}}\n"
    )
    words = [f"dataset.root={tmp_path / 'set'}", "trainer.max_epochs=1", "network.hidden=[8]", "backend=eager"]
    folder = tmp_path / "run"
    assert main(["train", str(recipe), *words, "dataset.on_error=skip", f"hydra.run.dir={folder}"]) == 0
    out = capsys.readouterr().out
    assert "4 recordings cannot be read, left out: " in out and "08.npy" in out and "and 1 more" in out
    kept = json.loads((folder / "skipped.json").read_text())
    assert sorted(Path(file).name for file in kept) == ["03.npy", "05.npy", "08.npy", "09.npy"]
    assert json.loads((folder / "run.json").read_text())["skipped"] == 4
    assert main(["eval", str(folder)]) == 0
    assert "4 recordings cannot be read" in capsys.readouterr().out


def test_the_python_of_the_readme_runs(run, tmp_path, monkeypatch, capsys):
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    section = text.partition("## From Python")[2].partition("\n## ")[0]
    code = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    ") or not line)
    shutil.copytree(run, tmp_path / "runs" / "small" / "1")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["out"].shape == (8, 1, 10)
    assert "Network(" in capsys.readouterr().out


def test_another_copy_of_a_set_without_a_test_part_keeps_the_runs_split(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for name in ("first", "copy"):
        for i in range(20):
            folder = tmp_path / name / f"class{i % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{i:02d}.npy", toy_events(rng, 60, (2, 6, 6)))
    recipe = tmp_path / "own.yaml"
    recipe.write_text(
        "# own\ndefaults:\n  - train\n  - override dataset: folder\n  - override network: mlp\n  - _self_\n"
        "dataset: {steps: 4, dt: null, duration: 0.1, source: {shape: [2, 6, 6]}}\n"
    )
    own = [f"dataset.root={tmp_path / 'first'}", "trainer.max_epochs=1", "network.hidden=[8]", "seed=3"]
    assert main(["train", str(recipe), *own, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    shutil.copytree(tmp_path / "copy" / "class0", tmp_path / "copy" / "test" / "class0")
    for name in ("class0", "class1"):
        shutil.copytree(tmp_path / "copy" / name, tmp_path / "copy" / "train" / name, dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "copy" / name)
    shutil.copytree(tmp_path / "first", tmp_path / "elsewhere")
    assert len(split["test"]) == 4
    for root, tested in (("elsewhere", 4), ("copy", 10)):  # the run's own test samples; the official test part, whole
        assert main(["eval", str(tmp_path / "run"), f"dataset.root={tmp_path / root}", "dataset.seed=9"]) == 0
        rows = list(csv.DictReader((tmp_path / "run" / "predictions.csv").open()))
        assert len(rows) == tested
        assert root == "copy" or [int(row["sample"]) for row in rows] == split["test"]
