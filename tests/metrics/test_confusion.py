"""The confusion matrix and its table."""

from __future__ import annotations

import pytest
import torch

from snnctl.metrics import ConfusionMatrix


def matrix() -> ConfusionMatrix:
    found = ConfusionMatrix(["a", "b", "c", "d"])
    scores = torch.eye(4)[[0, 0, 1, 1]]
    found.update(scores, torch.tensor([0, 1, 1, 0]))
    found.update(torch.tensor([1, 2, 1]), torch.tensor([0, 2, 1]))
    return found


def test_counts_have_the_true_class_in_rows():
    assert matrix().counts.tolist() == [[1, 2, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert matrix().accuracy == pytest.approx(4 / 7)


def test_rows_of_classes():
    a, b, c, d = matrix().rows()
    assert (a.name, a.samples, a.precision, a.taken_for, a.times) == ("a", 3, 0.5, "b", 2)
    assert a.recall == pytest.approx(1 / 3) and a.f1 == pytest.approx(2 * 0.5 * (1 / 3) / (0.5 + 1 / 3))
    assert (b.precision, b.recall) == (0.5, pytest.approx(2 / 3))
    assert (c.precision, c.recall, c.f1, c.taken_for, c.times) == (1, 1, 1, "", 0)
    assert (d.samples, d.precision, d.recall, d.f1) == (0, None, None, None)


def test_before_the_first_sample_there_is_no_accuracy():
    empty = ConfusionMatrix(["a", "b"])
    assert empty.accuracy is None
    assert [row.f1 for row in empty.rows()] == [None, None]
    assert empty.reduce() is empty
