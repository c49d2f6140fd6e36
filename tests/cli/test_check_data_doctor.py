from __future__ import annotations

import numpy as np
import pytest

from snnctl.commands import doctor
from snnctl.commands.check import moments, size


def test_check_shows_layers_and_memory_without_data(snnctl, tmp_path):
    code, out, err = snnctl("check", "digits_mlp", "dataset.batch_size=4", "network.hidden=[32]", "dataset.steps=10")
    assert code == 0, err
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "10 x 4 x 32" in rows["hidden.0.neuron"] and "LIF" in rows["hidden.0.neuron"]
    assert "10 x 4 x 10" in rows["readout"]
    assert "18,528" in rows["hidden.0.linear"]  # 2 * 17 * 17 * 32 weights and 32 biases
    assert "a training step of 4 samples" in rows["memory"]
    assert "18,858 parameters" in rows["learnable"]
    assert not (tmp_path / "cache").exists() and not (tmp_path / "runs").exists()


def test_check_finds_all_mistakes(snnctl):
    code, out, err = snnctl("check", "digits_mlp", "optimizer.lrr=1", "seed=x")
    assert code == 2 and out == ""
    assert "2 mistakes" in err and "optimizer.lr" in err and "seed=x" in err
    assert snnctl("check", "digits_mlp", "-m")[0] == 2


def test_check_finds_shapes_that_do_not_fit(snnctl, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        "# bad\ndefaults: [train, override network: mlp, _self_]\n".replace("[train, override network: mlp, _self_]",
        "\n  - train\n  - override network: mlp\n  - _self_")
        + "network: {layers: {classes: {in_features: 7}}}\n"
    )  # fmt: skip
    code, _, err = snnctl("check", "./bad.yaml")
    assert code == 2 and "classes" in err and "7" in err


def test_check_a_run_with_a_change(snnctl, tmp_path, a_run):
    from omegaconf import OmegaConf

    from snnctl.config import compose

    folder = a_run("one")
    cfg = compose("digits_mlp", ["network.hidden=[8]", "dataset.steps=10"])
    (folder / "composed.yaml").write_text(OmegaConf.to_yaml(cfg))
    code, out, err = snnctl("check", "runs/toy/one", "dataset.batch_size=3")
    assert code == 0, err
    assert "10 x 3 x 8" in out


def test_sizes_and_moments():
    assert [size(n) for n in (0, 999, 1500, 2_500_000, 3e9)] == ["0 B", "999 B", "1.5 kB", "2.5 MB", "3.0 GB"]
    from omegaconf import OmegaConf

    sgd = {"optimizer": {"_target_": "torch.optim.SGD", "momentum": 0.9}}
    assert moments(OmegaConf.create(sgd)) == 1
    assert moments(OmegaConf.create({"optimizer": {"_target_": "torch.optim.SGD"}})) == 0
    assert moments(OmegaConf.create({"optimizer": {"_target_": "torch.optim.AdamW"}})) == 2


@pytest.fixture
def recordings(tmp_path):
    doctor.write_synthetic(tmp_path / "events", each=3)
    return "dataset.root=events"


def test_data_info(snnctl, recordings):
    code, out, err = snnctl(
        "data", "info", "folder", recordings, "dataset.source.duration=0.1", "dataset.source.shape=[2,8,8]"
    )
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()]
    assert ["left", "3"] in rows and ["right", "3"] in rows and ["all", "6"] in rows
    assert ["events", "200", "200", "200"] in rows
    assert "2 x 8 x 8, 2 classes" in out


def test_data_info_names_what_cannot_be_read(snnctl, recordings, tmp_path):
    from snnctl.commands.data import open_set

    broken = sorted((tmp_path / "events").rglob("left/*"))[0]
    broken.write_bytes(b"no recording")
    code, out, err = snnctl("data", "info", "folder", recordings, "dataset.source.shape=[2,8,8]")
    assert code == 0, err
    assert broken.name in out and "dataset.on_error=skip" in out
    open_set("folder", [recordings, "dataset.source.shape=[2,8,8]", "dataset.on_error=skip"]).prepare_data()
    after = snnctl("data", "info", "folder", recordings, "dataset.source.shape=[2,8,8]")[1].partition("left out of")[2]
    assert broken.name in after


def test_data_clear_offers_each_set_once_and_nothing_hidden(snnctl):
    err = snnctl("data", "clear", "nosuchthing")[2]
    assert "base" not in err.replace(",", " ").split()
    assert "digits, digits" not in err and "asldvs" in err
    assert snnctl("data", "info", "base")[0] == 2


def test_data_get_and_preview(snnctl, recordings, tmp_path):
    assert "6 train" in snnctl("data", "get", "folder", recordings)[1]
    code, out, _ = snnctl("data", "preview", "folder", recordings, "out=seen.png", "samples=2")
    assert code == 0 and out == "seen.png\n"
    assert (tmp_path / "seen.png").read_bytes()[:4] == b"\x89PNG"
    assert snnctl("data", "preview", "folder", recordings, "samples=none")[0] == 2


def test_preview_of_values(tmp_path):
    """Images and series, which are no events."""
    from snnctl.datasets.recording import Recording
    from snnctl.datasets.source import Source
    from snnctl.report.recordings import describe, draw

    class Series(Source):
        kind = "frames"
        shape = (3,)
        classes = ("a", "b")
        period = 0.01

        def parts(self):
            return {"train": np.array([0, 1, 1])}

        def read(self, part, i):
            return Recording(values=np.full((5 + i, 3), float(i), np.float32), period=0.01)

    source = Series()
    draw(source, tmp_path / "x.png", 5)
    assert (tmp_path / "x.png").stat().st_size > 1000
    rows = {row[0]: row[1:] for row in describe(source, source.parts()).rows}
    assert rows["duration, s"] == pytest.approx((0.05, 0.06, 0.07))
    assert rows["largest value"] == (0, 1, 2)


def test_data_clear(snnctl, recordings):
    from snnctl.commands.data import open_set
    from snnctl.datasets.cache_list import entries

    assert "empty" in snnctl("data", "info")[1]
    data = open_set("folder", [recordings])
    data.prepare_data()
    (entry,) = entries()
    assert entry.set.lower() in snnctl("data", "info")[1].lower()
    code, _, err = snnctl("data", "clear")
    assert code == 2 and entry.set.lower() in err
    assert "freed" in snnctl("data", "clear", entry.set)[1]
    assert entries() == []
    assert snnctl("data", "clear", "all")[0] == 0


@pytest.mark.parametrize(
    "args", [[], ["show"], ["info", "dgits"], ["get"], ["get", "digits", "dataset.rot=x"], ["clear", "nope"]]
)
def test_data_of_what_is_not_there(snnctl, args):
    code, _, err = snnctl("data", *args)
    assert code == 2 and "Traceback" not in err


def test_data_says_what_to_put_where(snnctl, tmp_path):
    code, _, err = snnctl("data", "info", "fsdd", f"dataset.root={tmp_path}/none")
    assert code == 2 and str(tmp_path) in err


def test_doctor_looks_without_importing(snnctl, monkeypatch, tmp_path):
    (tmp_path / "samna.py").write_text("raise SystemExit('samna was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    code, out, err = snnctl("doctor", "--no-test")
    assert code == 0, err
    assert "torch" in out and "cpu" in out and "recipes" in out
    assert "found" in next(line for line in out.splitlines() if "SynSense" in line)
    assert snnctl("doctor", "--notest")[0] == 2


def test_doctor_names_problems(snnctl, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "writable", lambda folder: False)
    code, _, err = snnctl("doctor", "--no-test")
    assert code == 1 and "2 problems" in err and "SNNCTL_CACHE" in err
    monkeypatch.setattr(doctor, "train_synthetic", lambda folder: 0.5)
    assert doctor.self_test() == ["self-test: accuracy 50%, expected above 90 %"]


def test_writable(tmp_path):
    assert doctor.writable(tmp_path / "not" / "yet" / "there")
    assert not list(tmp_path.iterdir())


def test_doctor_trains(tmp_path):
    assert doctor.train_synthetic(tmp_path) > 0.9


OWN = """\
import torch


class Twice(torch.nn.Module):
    def __init__(self, factor: float = 2.0):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x
"""


def test_a_class_of_ones_own_beside_the_recipe(snnctl, tmp_path):
    (tmp_path / "own_layers.py").write_text(OWN)
    text = "# own\ndefaults:\n  - digits_mlp\n  - _self_\n"
    text += "network: {{layers: {{readout: {{_target_: own_layers.{}, factor: {}}}}}}}\n"
    (tmp_path / "own.yaml").write_text(text.format("Twice", 3.0))
    code, out, err = snnctl("check", "./own.yaml")
    assert code == 0 and "Twice" in out, err
    (tmp_path / "own.yaml").write_text(text.format("Thrice", 3.0))
    code, _, err = snnctl("check", "./own.yaml")
    assert code == 2 and "own_layers.Thrice" in err and "Twice" in err
    (tmp_path / "own.yaml").write_text(text.format("Twice", "many"))
    code, _, err = snnctl("check", "./own.yaml")
    assert code == 2 and "network.layers.readout.factor=many" in err
