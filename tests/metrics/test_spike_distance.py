"""Distances of spike trains: by hand, and what makes them distances."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.metrics.spike_distance import van_rossum, victor_purpura

trains = st.lists(st.integers(0, 2), min_size=6, max_size=6).map(lambda s: torch.tensor(s, dtype=torch.float32))


def train(*times: int, steps: int = 400) -> torch.Tensor:
    x = torch.zeros(steps)
    x[list(times)] = 1
    return x


def test_a_missing_spike_is_half_and_a_far_one_whole():
    assert van_rossum(train(10), train(), 20.0).item() == pytest.approx(0.5, rel=0.06)
    assert van_rossum(train(10), train(200), 20.0).item() == pytest.approx(1.0, rel=0.06)
    assert van_rossum(train(10), train(10), 20.0).item() == 0


def test_traces():
    d = math.exp(-1 / 2)
    wanted = (1 + d**2 + (d**2 - 1) ** 2) / 2  # f - g = 1, d, d^2 - 1
    assert van_rossum(train(0, steps=3), train(2, steps=3), 2.0).item() == pytest.approx(wanted)


def test_moving_or_taking_out_and_putting_in():
    assert victor_purpura(train(10), train(13), 0.5).item() == pytest.approx(1.5)
    assert victor_purpura(train(10), train(15), 0.5).item() == pytest.approx(2)
    assert victor_purpura(train(1, 10, 30), train(12, 30), 0.1).item() == pytest.approx(1.2)
    assert victor_purpura(train(1, 2, 3), train(300), 0.0).item() == 2


@settings(deadline=None)
@given(trains, trains, trains, st.floats(0, 3))
def test_it_is_a_distance(a, b, c, cost):
    ab, bc, ac = victor_purpura(a, b, cost), victor_purpura(b, c, cost), victor_purpura(a, c, cost)
    assert ab == victor_purpura(b, a, cost) and victor_purpura(a, a, cost) == 0
    assert ac <= ab + bc + 1e-5


def test_shapes():
    x, y = torch.zeros(5, 2, 3), torch.ones(5, 2, 3)
    torch.testing.assert_close(victor_purpura(x, y, 1.0), torch.full((2, 3), 5.0))
    assert van_rossum(x, y, 3.0).shape == (2, 3)
    with pytest.raises(UserError, match=r"\(5, 2, 3\) and \(5, 2\)"):
        van_rossum(x, y[..., 0], 3.0)
    with pytest.raises(UserError, match="cost = -1"):
        victor_purpura(x, y, -1.0)
