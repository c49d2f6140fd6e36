"""tonic's sets through tonic's own classes, on miniatures in each set's layout; never a download by itself."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path

import event_files as files
import miniatures
import numpy as np
import pytest
import tonic.datasets
from omegaconf import OmegaConf

from snnctl.datasets.tonic_sets import TonicSet, Unsupported
from snnctl.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / "configs" / "dataset"
NODES = {path.stem: OmegaConf.load(path).get("source", {}) for path in sorted(CONFIGS.glob("*.yaml"))}
SETS = {name: node for name, node in NODES.items() if node.get("_target_", "").endswith("TonicSet")}
ONE_FILE = {"shd", "ssc", "smnist", "ntidigits"}  # all recordings of a part in one file


def source(which: str, root: Path, **changed) -> TonicSet:
    node = {k: v for k, v in OmegaConf.to_container(SETS[which]).items() if not k.startswith("_")}
    return TonicSet(root, **{**node, **changed})


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    miniatures.with_decoder(monkeypatch)


def test_every_set_of_tonic_is_listed_once_and_every_supported_one_has_a_miniature():
    assert set(SETS) == set(miniatures.WRITERS)
    unsupported = [n for n, node in NODES.items() if node.get("_target_", "").endswith("Unsupported")]
    classes = sorted(n.lower() for n in tonic.datasets.__all__)
    assert sorted([node.tonic.lower() for node in SETS.values()] + unsupported) == classes
    for name in unsupported:
        assert (CONFIGS / f"{name}.yaml").read_text().startswith("# unsupported: ")


@pytest.mark.parametrize("name", miniatures.WRITERS)
def test_reads_the_miniature(tmp_path, name):
    written = miniatures.WRITERS[name](tmp_path)
    made = source(name, tmp_path)
    made.download()  # there: nothing to do
    parts = made.parts()
    assert {part: labels.tolist() for part, labels in parts.items()} == {
        p: [c for c, _, _ in w] for p, w in written.items()
    }
    assert list(parts) == list(written) and all(labels.dtype == np.int64 for labels in parts.values())
    for part, samples in written.items():
        for i, (_, e, path) in enumerate(samples):
            found = made.read(part, i)
            for column in ("t", "x", "y", "p"):
                assert np.array_equal(found.events[column], e[column]), (part, i, column)
            assert (found.start, str(path) in made.where(part, i)) == (0, True)
            assert found.stop == max(e["t"][-1] + 1, round((made.duration or 0) * 1e6))
        assert path in made.files(part)
    again = pickle.loads(pickle.dumps(made))
    assert again.read("train", 1).stop == made.read("train", 1).stop and again.fingerprint() == made.fingerprint()


@pytest.mark.parametrize("name", miniatures.WRITERS)
def test_class_names(tmp_path, name):
    """Known without the data, and then in the order of the labels."""
    expected = {
        "nmnist": ("0", "1", "3"), "ncaltech101": ("accordion", "airplanes", "yin_yang"), "ssc": ("yes", "no", "down"),
        "dvsgesture": ("Hand clapping", "Right hand wave", "Right arm cw"), "shd": ("null", "eins", "drei"),
        "cifar10dvs": ("airplane", "automobile", "cat"), "asldvs": ("a", "b", "d"), "smnist": ("0", "1", "3"),
        "ntidigits": ("o", "1", "3", "z"), "dvslip": ("accused", "action", "allowed"), "pokerdvs": ("cl", "he", "sp"),
    }  # fmt: skip
    before = source(name, tmp_path).classes
    full = {
        "ncaltech101": 101,
        "dvsgesture": 11,
        "ssc": 35,
        "shd": 20,
        "asldvs": 26,
        "ntidigits": 11,
        "dvslip": 100,
        "pokerdvs": 4,
    }
    assert len(before) == full.get(name, 10)
    miniatures.WRITERS[name](tmp_path)
    made = source(name, tmp_path)
    assert tuple(made.classes[k] for k in np.unique(made.parts()["train"])) == expected[name]


@pytest.mark.parametrize("name", miniatures.WRITERS)
def test_missing(tmp_path, name):
    made = source(name, tmp_path)
    with pytest.raises(UserError) as caught:
        made.parts()
    text = str(caught.value)
    assert caught.value.exit_code == 2 and str(tmp_path) in text and "dataset.root" in text
    for archive in made.archives():
        assert archive.url in text and str(archive.path) in text and archive.checksum.startswith("md5:")
    assert made.archives() or name == "pokerdvs"


@pytest.mark.parametrize("name", miniatures.WRITERS)
def test_a_cut_file_is_named(tmp_path, name):
    written = miniatures.WRITERS[name](tmp_path)
    path = written["train"][0][2]
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 2 // 3 | 1])
    with pytest.raises(UserError) as caught:
        made = source(name, tmp_path)
        labels = made.parts()["train"]
        for i in range(len(labels)):
            made.read("train", i)
    assert (str(path) if name != "pokerdvs" else "pips_train") in caught.value.problem  # which reads all at once


@pytest.mark.parametrize("name", sorted(set(miniatures.WRITERS) - {"smnist"}))
def test_an_event_outside_the_sensor(tmp_path, name):
    written = miniatures.WRITERS[name](tmp_path)
    made = source(name, tmp_path)
    width = max(int(e["x"].max()) for _, e, _ in written["train"])  # one pixel too narrow
    small = source(name, tmp_path, shape=[*made.shape[:-1], width])
    with pytest.raises(UserError, match="outside the sensor") as caught:
        for i in range(len(written["train"])):
            small.read("train", i)
    assert str(written["train"][0][2].parent.parent) in caught.value.problem and "event " in caught.value.problem


def test_train_alone_is_enough_and_asks_for_nothing(tmp_path):
    written = miniatures.nmnist(tmp_path)
    for _, _, path in written["test"]:
        path.unlink()
    made = source("nmnist", tmp_path)
    made.download()
    assert list(made.parts()) == ["train"]
    with pytest.raises(UserError, match="its parts: train, test"):
        made.read("validation", 0)


def test_test_alone_too(tmp_path):
    written = miniatures.shd(tmp_path)
    written["train"][0][2].unlink()
    assert list(source("shd", tmp_path).parts()) == ["test"]


def test_order_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    written = miniatures.dvslip(tmp_path)
    import os

    forwards, listdir = source("dvslip", tmp_path), os.listdir
    forwards.parts()
    monkeypatch.setattr(os, "listdir", lambda *a: sorted(listdir(*a), reverse=True))
    backwards = source("dvslip", tmp_path)
    assert backwards.files("train") == forwards.files("train") == [path for _, _, path in written["train"]]
    assert np.array_equal(backwards.read("train", 3).events, forwards.read("train", 3).events)


def test_out_of_time_order(tmp_path):
    miniatures.nmnist(tmp_path)
    path = files.atis(tmp_path / "NMNIST/Train/0/00000.bin", files.random_events(1, 34, 34)[::-1])
    with pytest.raises(UserError, match="out of time order") as caught:
        source("nmnist", tmp_path).read("train", 0)
    assert str(path) in caught.value.problem and "dataset.source.sort=true" in caught.value.hint
    sorted_times = source("nmnist", tmp_path, sort=True).read("train", 0).events["t"]
    assert (np.diff(sorted_times) >= 0).all()


def test_smnist_with_duplicates_comes_in_order(tmp_path):
    """tonic interleaves the two spikes of a crossing, so those of one pixel go back in time."""
    miniatures.smnist(tmp_path)
    options = {"duplicate": True, "num_neurons": 99, "dt": 1000.0}
    found = source("smnist", tmp_path, options=options, duration=1.568).read("train", 0).events
    assert len(found) == 2 * 97 and (np.diff(found["t"]) >= 0).all()
    assert np.unique(found["t"]).tolist() == [198_000, 199_000, 200_000, 201_000]
    with pytest.raises(UserError, match="out of time order"):
        source("smnist", tmp_path, options=options, sort=False).read("train", 0)


def test_other_files_and_layouts(tmp_path):
    miniatures.nmnist(tmp_path)
    stray = tmp_path / "NMNIST/Train/0/00000.bin"
    stray.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2))
    with pytest.raises(UserError, match="begins as an HDF5 file"):
        source("nmnist", tmp_path).read("train", 0)
    stray.write_bytes(b"")
    with pytest.raises(UserError, match="0 bytes"):
        source("nmnist", tmp_path).read("train", 0)
    files.atis(tmp_path / "NMNIST/Train/strange/1.bin", files.random_events(0, 34, 34))
    with pytest.raises(UserError, match="cannot open it"):
        source("nmnist", tmp_path).parts()


def test_labels_that_no_class_has(tmp_path):
    miniatures.shd(tmp_path)
    import h5py

    with h5py.File(tmp_path / "SHD/shd_train.h5", "r+") as file:
        file["labels"][0] = 20
    with pytest.raises(UserError, match="labels 0 to 20") as caught:
        source("shd", tmp_path).parts()
    assert "4 classes" in caught.value.hint


def test_fingerprint_follows_options_and_files(tmp_path):
    miniatures.nmnist(tmp_path)
    first = source("nmnist", tmp_path).fingerprint()
    assert first == source("nmnist", tmp_path, name="other").fingerprint()
    stabilized = source("nmnist", tmp_path, options={"stabilize": True})
    assert stabilized.fingerprint() != first
    files.atis(tmp_path / "NMNIST/Train/0/00000.bin", files.random_events(1, 34, 34, n=41))
    assert source("nmnist", tmp_path).fingerprint() != first


def test_options_reach_tonic(tmp_path):
    written = miniatures.nmnist(tmp_path)
    files.atis(written["train"][0][2], files.random_events(0, 34, 34, last=300_000))
    whole, third = source("nmnist", tmp_path), source("nmnist", tmp_path, options={"first_saccade_only": True})
    assert third.read("train", 0).events["t"].max() < 100_000 < whole.read("train", 0).events["t"].max()


def test_wrong_settings(tmp_path):
    with pytest.raises(UserError, match="no data set 'NMIST'") as caught:
        source("nmnist", tmp_path, tonic="NMIST")
    assert "NMNIST" in caught.value.hint
    with pytest.raises(UserError, match="zero, first"):
        source("nmnist", tmp_path, origin="middle")
    miniatures.ntidigits(tmp_path)
    with pytest.raises(UserError, match="single_digits: true"):
        source("ntidigits", tmp_path, options={}).parts()


def test_unsupported_sets_say_why(tmp_path):
    with pytest.raises(UserError, match="dsec is not supported: its labels are disparity") as caught:
        Unsupported(tmp_path, name="dsec", reason="its labels are disparity and optical flow, not classes")
    assert caught.value.exit_code == 2 and "snnctl ls datasets" in caught.value.hint


@pytest.mark.data
def test_the_thousand_real_ones(shared_data):
    made = source("nmnist", shared_data / "nmnist-1k")
    made.download()
    parts = made.parts()
    assert list(parts) == ["train"] and len(parts["train"]) == 1000 and set(parts["train"]) == set(range(10))
    assert made.files("train")[0].parent.name == "0" and (np.diff(parts["train"]) >= 0).all()
    found = made.read("train", 0).events
    assert found["x"].max() < 34 and found["t"][-1] > 290_000


@pytest.mark.data
def test_cifar10dvs_with_the_real_decoder(shared_data, tmp_path, monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("aedat")
    raw = (shared_data / "event-file-samples" / "sample.aedat4").read_bytes()
    for name in ("airplane", "truck"):
        (tmp_path / "CIFAR10DVS" / name).mkdir(parents=True)
        (tmp_path / "CIFAR10DVS" / name / "1.aedat4").write_bytes(raw)
    made = source("cifar10dvs", tmp_path, shape=(2, 240, 320))
    found = made.read("train", 1)
    assert made.parts()["train"].tolist() == [0, 9] and len(found.events) == 111_954
    assert found.start == found.events["t"][0] > 1.6e15
    with pytest.raises(UserError, match="outside the sensor of 128 x 128"):
        source("cifar10dvs", tmp_path).read("train", 0)
