"""Splits: stratified, seeded, official parts respected."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.datasets.splits import split, stratified
from snnctl.errors import UserError


def test_without_a_test_part_three_pieces_of_the_training_part():
    labels = {"train": np.repeat(np.arange(10), 100)}
    parts = split(labels, 0.1, 0.2, seed=3)
    assert {name: len(own) for name, own in parts.items()} == {"train": 720, "val": 80, "test": 200}
    assert sorted(parts["train"] + parts["val"] + parts["test"]) == list(range(1000))
    for name, each in (("train", 72), ("val", 8), ("test", 20)):
        assert np.bincount(labels["train"][parts[name]]).tolist() == [each] * 10


def test_an_official_test_part_is_used_whole():
    parts = split({"train": np.repeat([0, 1], 10), "test": np.zeros(7, int)}, 0.2, 0.5, seed=0)
    assert parts["test"] == list(range(7))
    assert (len(parts["train"]), len(parts["val"])) == (16, 4)


def test_the_seed_decides():
    labels = {"train": np.repeat(np.arange(5), 20)}
    assert split(labels, 0.2, 0.2, 1) == split(labels, 0.2, 0.2, 1)
    assert split(labels, 0.2, 0.2, 1)["test"] != split(labels, 0.2, 0.2, 2)["test"]


def test_uneven_classes_stay_in_proportion():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    order = stratified(labels, seed=0)
    assert sorted(order) == list(range(1000))
    for n in (10, 50, 333):
        assert np.abs(np.bincount(labels[order[:n]], minlength=3) - n * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_no_validation_and_only_a_test_part():
    assert split({"train": np.zeros(5, int)}, 0.0, 0.0, 0) == {"train": [0, 1, 2, 3, 4], "val": [], "test": []}
    assert split({"test": np.zeros(3, int)}, 0.1, 0.2, 0) == {"train": [], "val": [], "test": [0, 1, 2]}


@pytest.mark.parametrize("fractions", [(1.0, 0.2), (-0.1, 0.2), (0.1, 1.5), (0.9, 0.9)])
def test_impossible_fractions(fractions):
    with pytest.raises(UserError, match=r"fraction|left to train"):
        split({"train": np.zeros(4, int)}, *fractions, seed=0)
