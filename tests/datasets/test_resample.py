"""Rows onto a time grid: as they are, held, averaged; zeros past the end."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.datasets.resample import resampled, steps_of

ROWS = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]], np.float32)


@pytest.mark.parametrize(
    ("dt", "steps", "expected"),
    [
        (0.01, 5, [1, 2, 3, 4, 5]),
        (0.01, 7, [1, 2, 3, 4, 5, 0, 0]),
        (0.01, 3, [1, 2, 3]),
        (0.005, 12, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0]),
        (0.02, 4, [1.5, 3.5, 5, 0]),
        (0.02, 2, [1.5, 3.5]),
        (0.025, 2, [2, 4.5]),  # rows begin at 0, 10, 20 | 30, 40 ms
    ],
)
def test_grid(dt, steps, expected):
    assert resampled(ROWS, 0.01, dt, steps)[:, 0].tolist() == expected


def test_bytes_become_shares_of_one():
    rows = np.array([[0], [51], [255]], np.uint8)
    np.testing.assert_allclose(resampled(rows, 0.1, 0.1, 3)[:, 0], [0, 0.2, 1], rtol=1e-6)
    np.testing.assert_allclose(resampled(rows, 0.1, 0.3, 1)[:, 0], [0.4], rtol=1e-6)


def test_steps():
    rows, period = np.array([1, 10, 11]), np.array([0.01, 0.01, 0.01])
    assert steps_of(rows, period, 0.01).tolist() == [1, 10, 11]
    assert steps_of(rows, period, 0.05).tolist() == [1, 2, 3]
