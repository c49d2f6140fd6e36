"""Augmentations of events and values: what moves, what stays, what is dropped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from toy import events

from snnctl.datasets.augment import DropEvents, FlipLR, Shift, TimeJitter, Turn
from snnctl.datasets.batches import EventBatches
from snnctl.datasets.binning import Bins
from snnctl.datasets.codes import encode
from snnctl.datasets.draws import generator
from snnctl.datasets.transforms import bound
from snnctl.errors import UserError

SHAPE = (2, 20, 30)


def own(n=300):
    return events(np.random.default_rng(0), n, SHAPE)


def rng(i=0):
    return generator(0, 0, i, "augment")


def test_shift_moves_all_events_alike():
    moves = set()
    for i in range(200):
        after = Shift(2)(own(), rng(i))
        dx, dy = np.unique(after["x"] - own()["x"]), np.unique(after["y"] - own()["y"])
        assert len(dx) == len(dy) == 1
        assert np.array_equal(after["t"], own()["t"]) and np.array_equal(after["p"], own()["p"])
        moves.add((int(dx[0]), int(dy[0])))
    assert moves == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}


@pytest.mark.parametrize(("shape", "lines"), [(SHAPE, 1), ((20,), 2)])
def test_a_batch_of_shifted_samples_is_that_of_each_shifted_by_itself(shape, lines):
    rng = np.random.default_rng(1)
    recordings = [events(rng, n, SHAPE if shape == SHAPE else (1, 1, 20)) for n in (300, 0, 1, 200)]
    t, code = (np.concatenate(column) for column in zip(*(encode(r, shape) for r in recordings), strict=True))
    offsets = np.cumsum([0] + [len(r) for r in recordings])
    extent = np.array([len(r) and r["t"][-1] for r in recordings])  # the last event comes too late
    part = SimpleNamespace(t=t, code=code, offsets=offsets, extent=extent)
    (shift,), _ = bound([Shift(3, lines=lines)], shape)
    index = np.array([3, 0, 1, 2])
    seen = set()
    for epoch in range(20):
        at_once, one_by_one = (
            EventBatches(part, np.zeros(4, int), shape, Bins(1000), augment=augment, seed=5).gather(epoch, index)
            for augment in ([shift], [lambda e, rng: shift(e, rng)])
        )
        for ours, theirs in zip(at_once, one_by_one, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        seen.add(len(at_once.t))
    assert len(seen) > 3  # some events were lost


def test_shift_of_channels_keeps_their_one_row():
    (shift,), _ = bound([Shift(3)], (700,))
    line = events(np.random.default_rng(0), 50, (1, 1, 700))
    afters = [shift(line.copy(), rng(i)) for i in range(50)]
    assert all((after["y"] == 0).all() for after in afters)
    assert {int((after["x"] - line["x"])[0]) for after in afters} == set(range(-3, 4))


def test_shift_keeps_each_of_two_lines_of_channels_to_itself():
    (shift,), _ = bound([Shift(3, lines=2)], (20,))
    line = events(np.random.default_rng(0), 200, (1, 1, 20))
    for i in range(30):
        dx = int(rng(i).random() * 7) - 3
        moved, x = shift(line.copy(), rng(i))["x"], line["x"]
        stays = (x % 10 + dx >= 0) & (x % 10 + dx < 10)
        assert np.array_equal(moved[stays], x[stays] + dx) and (moved[~stays] == -1).all()
    with pytest.raises(UserError, match="3 lines"):
        bound([Shift(1, lines=3)], (20,))


def test_shift_of_an_image_leaves_black_behind():
    image = np.arange(1, 13, dtype=np.uint8).reshape(1, 1, 3, 4)
    seen = set()
    for i in range(100):
        dx, dy = (int(5 * d) - 2 for d in rng(i).random(2))
        expected = np.zeros_like(image)
        for y in range(3):
            for x in range(4):
                if 0 <= y - dy < 3 and 0 <= x - dx < 4:
                    expected[0, 0, y, x] = image[0, 0, y - dy, x - dx]
        assert np.array_equal(Shift(2)(image, rng(i)), expected)
        seen.add((dx, dy))
    assert len(seen) > 20
    assert Shift(9)(image, rng(1)).shape == image.shape


def test_time_jitter_has_its_standard_deviation_and_stays_sorted():
    many = own(20_000)
    many["p"] = 0
    many["x"] = np.arange(20_000) % 30_000  # a name for each event
    after = TimeJitter(1e-3)(many.copy(), rng())
    assert np.all(np.diff(after["t"]) >= 0)
    moved = after["t"][np.argsort(after["x"], kind="stable")] - many["t"]
    inner = moved[1000:-1000]
    assert abs(inner.mean()) < 30 and abs(inner.std() - 1000) < 30
    assert after["t"].min() >= many["t"].min() and after["t"].max() <= many["t"].max()
    assert len(TimeJitter()(many[:0], rng())) == 0


def test_drop():
    assert abs(len(DropEvents(0.3)(own(20_000), rng())) / 20_000 - 0.7) < 0.01
    assert len(DropEvents(0.0)(own(), rng())) == 300 and len(DropEvents(1.0)(own(), rng())) == 0


def test_flip_mirrors_half_of_the_recordings():
    (flip,), _ = bound([FlipLR(0.5)], SHAPE)
    flipped = 0
    for i in range(400):
        after = flip(own(), rng(i))
        same, mirrored = np.array_equal(after, own()), np.array_equal(after["x"], 29 - own()["x"])
        assert same or mirrored
        flipped += mirrored
    assert 160 < flipped < 240
    assert np.array_equal(FlipLR(1.0)(np.arange(6.0).reshape(1, 1, 2, 3), rng())[0, 0, 0], [2, 1, 0])


def test_turn_by_nothing_is_nothing_and_keeps_the_middle():
    (still,), _ = bound([Turn(0.0)], SHAPE)
    assert np.array_equal(still(own(), rng()), own())
    (turn,), _ = bound([Turn(30.0, 0.1)], (2, 21, 31))
    middle = own(5)
    middle["x"], middle["y"] = 15, 10
    after = turn(middle, rng())
    assert (after["x"] == 15).all() and (after["y"] == 10).all()
    far = own(1)
    far["x"], far["y"] = 30, 10
    distance = [np.hypot(a["x"][0] - 15, a["y"][0] - 10) for a in (turn(far.copy(), rng(i)) for i in range(50))]
    assert min(distance) > 12.7 and max(distance) < 17.3 and np.ptp(distance) > 1


@pytest.mark.parametrize("bad", [lambda: Shift(-1), lambda: DropEvents(1.2), lambda: FlipLR(-0.1)])
def test_impossible_settings(bad):
    with pytest.raises(UserError):
        bad()
