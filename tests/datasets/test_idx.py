"""idx files and the image sets made of them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from snnctl.datasets.idx import IdxImages, read_idx
from snnctl.errors import UserError

NAMES = {"train": ["train-images", "train-labels"], "test": ["t10k-images", "t10k-labels"]}
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx(path, array, kind=8, packed=False):
    raw = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw) if packed else raw)
    return path


def images(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 4), dtype=np.uint8)


def fill(folder, packed=False):
    for part, n in (("train", 5), ("test", 2)):
        ending = ".gz" if packed else ""
        idx(folder / f"{NAMES[part][0]}{ending}", images(n, n), packed=packed)
        idx(folder / f"{NAMES[part][1]}{ending}", np.arange(n, dtype=np.uint8) % 3, packed=packed)


def source(root, **changed):
    told = {"name": "tiny", "folders": ["first", "second"], "files": NAMES, "shape": [1, 3, 4], "classes": "abc"}
    return IdxImages(root, **{**told, **changed})


@pytest.mark.parametrize("packed", [False, True])
def test_images(tmp_path, packed):
    fill(tmp_path / "second", packed)
    made = source(tmp_path)
    assert {part: labels.tolist() for part, labels in made.parts().items()} == {
        "train": [0, 1, 2, 0, 1],
        "test": [0, 1],
    }
    assert (made.kind, made.shape, made.classes) == ("frames", (1, 3, 4), ("a", "b", "c"))
    found = made.read("train", 3)
    assert found.values.shape == (1, 1, 3, 4) and found.values.dtype == np.uint8 and found.period == 0
    assert np.array_equal(found.values[0, 0], images(5, 5)[3])
    assert made.where("train", 3) == f"{made.files('train')[0]} image 3" and len(made.files("test")) == 2
    made.download()  # there: nothing to do


def test_types_and_damage(tmp_path):
    values = np.array([[1.5, -2.0]], ">f4")
    assert read_idx(idx(tmp_path / "f", values, kind=0x0D)).tolist() == [[1.5, -2.0]]
    good = idx(tmp_path / "good", images(5)).read_bytes()
    for name, raw, said in [
        ("cut", good[:-1], "75 bytes, by its header 76"),
        ("long", good + b"x", "by its header 76"),
        ("header", good[:9], "truncated"),
        ("other", b"PK\x03\x04" + good, "begins as a zip archive"),
        ("kind", good[:2] + b"\x77" + good[3:], "not an idx file"),
        ("empty", b"", "not an idx file"),
        ("cut.gz", gzip.compress(good)[:-9], "truncated or corrupt"),
        ("huge", b"\0\0\x08\x03" + b"\xff" * 12, "by its header"),
    ]:
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(UserError, match=said) as caught:
            read_idx(tmp_path / name)
        assert str(tmp_path / name) in caught.value.problem and caught.value.exit_code == 2


def test_what_does_not_fit(tmp_path):
    fill(tmp_path / "first")
    with pytest.raises(UserError, match=r"train-labels: labels 0 to 2"):
        source(tmp_path, classes="ab").parts()
    with pytest.raises(UserError, match=r"train-images: images of 3x4, uint8") as caught:
        source(tmp_path, shape=[1, 4, 3]).parts()
    assert "4x3" in caught.value.hint
    idx(tmp_path / "first" / "t10k-labels", np.zeros(3, np.uint8))
    with pytest.raises(UserError, match="3 labels for 2 images"):
        source(tmp_path).parts()


def test_missing(tmp_path):
    fill(tmp_path / "first")
    (tmp_path / "first" / "t10k-labels").unlink()
    fetch = [{"url": "http://127.0.0.1:9/x.gz", "path": "first/x.gz", "checksum": "md5:0", "packed": False}]
    with pytest.raises(UserError, match="tiny is not in") as caught:
        source(tmp_path, hint="apt-get install tiny", fetch=fetch).parts()
    for part in (
        "apt-get install tiny",
        "snnctl data get tiny",
        "http://127.0.0.1:9/x.gz",
        str(tmp_path / "first" / "x.gz"),
    ):
        assert part in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_failed_download_names_the_way_without_one(tmp_path):
    fetch = [{"url": "http://127.0.0.1:9/x.gz", "path": "first/x.gz", "packed": False}]
    with pytest.raises(UserError, match="the host cannot be reached") as caught:
        source(tmp_path, hint="apt-get install tiny", fetch=fetch).download()
    assert "apt-get install tiny" in caught.value.hint and str(tmp_path / "first" / "x.gz") in caught.value.hint


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist(tmp_path):
    names = {"test": ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]}
    made = source(
        tmp_path, folders=["fashion_mnist", str(DEBIAN)], files=names, shape=[1, 28, 28], classes="0123456789"
    )
    assert np.bincount(made.parts()["test"]).tolist() == [1000] * 10
    assert made.read("test", 0).values.sum() == 33_456  # an ankle boot
