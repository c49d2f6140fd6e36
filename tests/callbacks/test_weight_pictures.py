"""Weights over epochs, as arrays, pictures and in tensorboard; and that looking changes nothing."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from safetensors.numpy import load_file
from torch import nn

from snnctl.callbacks.weight_pictures import WeightPictures
from snnctl.cli import main
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network
from snnctl.report import weights
from tests.runs import SMALL


def network() -> Network:
    torch.manual_seed(0)
    conv = {"conv": partial(nn.Conv2d, out_channels=3, kernel_size=3), "flat": nn.Flatten}
    return Network(
        {**conv, "fc": partial(nn.Linear, out_features=7), "out": nn.Linear}, Facts((2, 6, 6), ("a", "b"), 1e-3, 3)
    )


def test_in_a_run(tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text("# small\ndefaults:\n  - train\n  - _self_\n")
    few = [*SMALL, "trainer.max_epochs=3", "eval_after=false"]
    looked = ["callbacks=weight_pictures", "callbacks.weight_pictures.every=2", "logger=tensorboard"]
    assert main(["train", "./small.yaml", *few, *looked, "hydra.run.dir=seen"]) == 0
    assert main(["train", "./small.yaml", *few, "hydra.run.dir=plain"]) == 0
    assert (tmp_path / "seen/metrics.csv").read_text() == (tmp_path / "plain/metrics.csv").read_text()

    folder = tmp_path / "seen" / "weights"
    assert sorted(p.name for p in folder.glob("*.npz")) == ["epoch000.npz", "epoch002.npz", "epoch003.npz"]
    assert {p.name for p in folder.glob("*_002.png")} == {
        "histograms_002.png", "hidden.0.linear.weight_002.png", "classes.weight_002.png"
    }  # fmt: skip
    with np.load(folder / "epoch003.npz") as last, np.load(folder / "epoch000.npz") as first:
        trained = load_file(tmp_path / "seen" / "weights.safetensors")
        name = next(n for n in trained if n.endswith("classes.weight"))
        assert trained[name].shape == last["classes.weight"].shape == (10, 16)
        assert not np.array_equal(first["classes.weight"], last["classes.weight"])
    assert (folder / "over_epochs.png").exists()

    board = EventAccumulator(str(tmp_path / "seen" / "tensorboard"), {"histograms": 0, "images": 0}).Reload()
    assert [e.step for e in board.Histograms("weights/classes.weight")] == [0, 2, 3]
    images = board.Images("weights/hidden.0.linear.weight")
    assert [e.step for e in images] == [0, 2, 3]
    assert images[1].encoded_image_string == (folder / "hidden.0.linear.weight_002.png").read_bytes()


def test_linear_layers_know_the_space_that_was_flattened():
    shapes = weights.input_shapes(network())
    assert shapes["fc.weight"] == (3, 4, 4) and shapes["out.weight"] == (7,)
    tiles = weights._tiles(np.arange(7 * 48.0).reshape(7, 48), shapes["fc.weight"])
    assert tiles.shape == (7, 3, 4, 4) and tiles[1, 0, 0, 0] == 48
    assert weights._tiles(np.zeros((2, 7)), shapes["out.weight"]) is None


def test_pictures_of_every_form(tmp_path):
    draw = np.random.default_rng(0)
    for weight, shape in (((8, 2, 3, 3), ()), ((7, 48), (3, 4, 4)), ((5, 5), (5,)), ((1, 1), (1,))):
        weights.receptive_field("w", draw.normal(size=weight), shape, "t").savefig(tmp_path / "a.png")
        weights.receptive_field("w", np.zeros(weight), shape, "t").savefig(tmp_path / "b.png")
        assert not np.array_equal(imread(tmp_path / "a.png"), imread(tmp_path / "b.png"))
    weights.histograms({"w": draw.normal(size=9), "tau": np.array(0.02)}, "t").savefig(tmp_path / "a.png")
    weights.over_time({0: {"w": draw.normal(size=9)}, 4: {"w": draw.normal(size=9)}}, "t").savefig(tmp_path / "b.png")


def test_values_and_names():
    with pytest.raises(UserError, match="every = 0"):
        WeightPictures(every=0)
    with pytest.raises(UserError, match=r"no parameter is called .fd\.weight."):
        WeightPictures(parameters="fd.weight").on_fit_start(None, SimpleNamespace(network=network()))
