"""Time series from .npz files: as events by hand-computed changes, as values, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from snnctl.datasets.series import Series
from snnctl.errors import UserError

VALUES = np.array(
    [
        [[0, 9], [3, 9], [3, 5], [0, 0]],
        [[5, 1], [5, 1], [1, 1], [1, 9]],
        [[0, 0], [2, 0], [4, 0], [6, 0]],
    ],
    np.uint8,
)


def save(path, **changed):
    arrays = {
        "values": VALUES,
        "label": np.array([1, 0, 1]),
        "length": np.array([3, 4, 4]),
        "names": np.array(["a", "b"]),
    }
    np.savez(path, **{k: v for k, v in {**arrays, **changed}.items() if v is not None})


def source(root, **changed):
    told = {
        "name": "small",
        "files": ["small.npz"],
        "period": 0.01,
        "length": "length",
        "classes": "names",
        "theta": 2.0,
    }
    return Series(root, **{**told, **changed})


def test_events(tmp_path):
    """theta 2, first row silent: 0 -> 3 sends one up (r = 2), 3 -> 3 none; 9 -> 5 two down. Row 3 is padding."""
    save(tmp_path / "small.npz")
    made = source(tmp_path)
    assert (made.kind, made.shape, made.classes, made.parts()["train"].tolist()) == (
        "events",
        (4,),
        ("a", "b"),
        [1, 0, 1],
    )
    found = made.read("train", 0)
    assert found.events[["t", "x"]].tolist() == [(10_000, 2), (20_000, 1), (20_000, 1)] and set(found.events["p"]) == {
        0
    }
    assert (found.start, found.stop) == (0, 30_000)
    assert made.read("train", 1).events[["t", "x"]].tolist() == [(20_000, 0)] * 2 + [(30_000, 3)] * 4
    from_zero = source(tmp_path, initial=0.0).read("train", 1).events
    assert from_zero[["t", "x"]].tolist()[:2] == [(0, 2), (0, 2)]  # 5 is sent as two thetas up at once
    assert pickle.loads(pickle.dumps(made)).read("train", 1).stop == 40_000
    assert made.where("train", 2) == f"{tmp_path / 'small.npz'} sample 2" and list(made.parts()) == ["train"]


def test_padding_is_not_read(tmp_path):
    save(tmp_path / "small.npz")
    whole = source(tmp_path, length=None).read("train", 0)
    assert whole.stop == 40_000 and len(whole.events) == 3 + 1 + 2  # the false drop to 0: r 2 -> 0 and r 5 -> 1


def test_channels_and_values(tmp_path):
    save(tmp_path / "small.npz")
    one = source(tmp_path, channels=[1])
    assert one.shape == (2,) and one.read("train", 0).events["x"].tolist() == [0, 0]
    values = source(tmp_path, theta=None, channels=[1, 0])
    found = values.read("train", 0)
    assert (values.kind, values.shape, found.period, found.stop) == ("frames", (2,), 0.01, 30_000)
    assert found.values.dtype == np.float32 and found.values.tolist() == [[9, 0], [9, 3], [5, 3]]
    save(tmp_path / "small.npz", values=VALUES[:, :, 0])
    assert source(tmp_path, theta=None).read("train", 2).values.tolist() == [[0], [2], [4], [6]]
    assert values.fingerprint() != one.fingerprint()


def test_labels_by_name(tmp_path):
    save(tmp_path / "small.npz", label=np.array(["up", "down", "up"]))
    made = source(tmp_path, classes=None)
    assert made.classes == ("down", "up") and made.parts()["train"].tolist() == [1, 0, 1]
    assert source(tmp_path, classes=["up", "down"]).parts()["train"].tolist() == [0, 1, 0]
    with pytest.raises(UserError, match="'up' is no class"):
        source(tmp_path, classes=["down"]).parts()


def test_a_test_part(tmp_path):
    save(tmp_path / "small.npz"), save(tmp_path / "other.npz", label=np.array([0, 0, 0]))
    parts = source(tmp_path, test=["other.npz"]).parts()
    assert {part: labels.tolist() for part, labels in parts.items()} == {"train": [1, 0, 1], "test": [0, 0, 0]}


@pytest.mark.parametrize(
    "array, said",
    [
        ({"values": None}, "holds no array 'values'"),
        ({"values": VALUES[0]}, "expected numbers"),
        ({"values": VALUES.astype(str)}, "expected numbers"),
        ({"label": np.array([0, 1])}, "one label a sample"),
        ({"label": np.array([0, 1, 2])}, "labels 0 to 2"),
        ({"length": np.array([0, 4, 4])}, "1 to 4 rows"),
        ({"length": np.array([5, 4, 4])}, "1 to 4 rows"),
        ({"values": np.array([{}, {}, {}], object)}, "could run code"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, array, said):
    save(tmp_path / "small.npz", **array)
    with pytest.raises(UserError, match=said) as caught:
        source(tmp_path).parts()
    assert str(tmp_path / "small.npz") in caught.value.problem


def test_samples_that_cannot_be_sent(tmp_path):
    save(tmp_path / "small.npz", values=np.where(VALUES == 9, np.nan, VALUES))
    with pytest.raises(UserError, match="sample 0: values hold NaN"):
        source(tmp_path).read("train", 0)
    with pytest.raises(UserError, match="sample 2: sends no event at theta 50"):
        source(tmp_path, theta=50).read("train", 2)


def test_settings(tmp_path):
    save(tmp_path / "small.npz")
    with pytest.raises(UserError, match=r"source.channels is \[2\]"):
        source(tmp_path, channels=[2]).parts()
    with pytest.raises(UserError, match="period"):
        source(tmp_path, period=0)
    with pytest.raises(UserError, match="small is not in") as caught:
        source(tmp_path, files=["a/small.npz", "absent.npz"], hint="measure it").parts()
    assert "measure it" in caught.value.hint and str(tmp_path / "a" / "small.npz") in caught.value.hint


@pytest.mark.data
def test_braille(shared_data):
    made = Series(
        shared_data,
        name="braille",
        files=["braille/braille_letters.npz"],
        period=25e-3,
        values="taxels",
        length="length",
        classes="classes",
        channels=[1, 2, 6, 10],
        theta=2.0,
    )
    assert len(made.classes) == 27 and made.shape == (8,) and np.bincount(made.parts()["train"]).tolist() == [50] * 27
    stops = {made.read("train", i).stop for i in range(20)}
    assert stops == {76 * 25_000, 77 * 25_000}
