"""Transforms called alike: tonic's with addressed randomness and untouched global state, shapes that follow."""

from __future__ import annotations

import numpy as np
import pytest
import tonic.transforms as tt
from toy import events

from snnctl.datasets.augment import DropEvents, FlipLR, Shift
from snnctl.datasets.draws import generator
from snnctl.datasets.pool import Pool
from snnctl.datasets.recording import EVENT
from snnctl.datasets.transforms import apply, bound, shape_after
from snnctl.errors import UserError

SHAPE = (2, 34, 34)


def own(n=200):
    return events(np.random.default_rng(0), n, SHAPE)


def rng(i=0):
    return generator(0, 0, i, "augment")


@pytest.mark.parametrize(
    "transform",
    [
        tt.SpatialJitter(sensor_size=(34, 34, 2), clip_outliers=True),
        tt.DropEvent(p=0.3),
        tt.TimeJitter(std=500, clip_negative=True),
        tt.UniformNoise(sensor_size=(34, 34, 2), n=50),
        tt.RandomFlipLR(sensor_size=(34, 34, 2), p=0.5),
        tt.RandomCrop(sensor_size=(34, 34, 2), target_size=(20, 20)),
    ],
    ids=lambda t: type(t).__name__,
)
def test_tonics_chance_is_addressed_and_global_state_is_left(transform):
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    first = apply(transform, own(), rng(3))
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(8)
    assert np.array_equal(apply(transform, own(), rng(3)), first)
    assert first.dtype == EVENT and np.all(np.diff(first["t"]) >= 0)
    others = [apply(transform, own(), rng(i)) for i in range(4, 12)]
    assert any(len(o) != len(first) or np.any(o != first) for o in others)


def test_global_state_is_left_when_it_fails():
    def broken(self, events):
        raise RuntimeError("broken")

    transform = type("Broken", (), {"__call__": broken, "__module__": "tonic.transforms"})()
    before = np.random.get_state()[1].copy()
    with pytest.raises(RuntimeError):
        apply(transform, own(), rng())
    assert np.array_equal(np.random.get_state()[1], before)


def test_a_transform_that_writes_into_itself_does_not_remember():
    crop = tt.CropTime(min=0)
    short, long = own(), own()
    short["t"] //= 10
    apply(crop, short, rng())
    assert len(apply(crop, long, rng())) == len(long)


def test_ours_gets_the_generator_and_a_plain_function_does_not():
    assert len(apply(DropEvents(0.5), own(), rng())) < 150
    assert len(apply(lambda events: events[:3], own(), rng())) == 3
    shuffled = apply(lambda events, rng: events[rng.permutation(9)], own(), rng())
    assert np.array_equal(shuffled["t"], own()["t"][:9])  # sorted again


def test_what_returns_no_events_is_named():
    with pytest.raises(UserError, match="squash returned ndarray"):

        def squash(events):
            return np.zeros(3)

        apply(squash, own(), rng())


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (tt.Downsample(spatial_factor=0.5), (2, 17, 17)),
        (tt.Downsample(sensor_size=(34, 34, 2), target_size=(10, 12)), (2, 12, 10)),
        (tt.CenterCrop(sensor_size=(34, 34, 2), size=(20, 28)), (2, 28, 20)),
        (tt.CenterCrop(sensor_size=(34, 34, 2), size=28), (2, 28, 28)),
        (tt.MergePolarities(), (1, 34, 34)),
        (tt.Denoise(filter_time=10_000), SHAPE),
        (Pool(2), (2, 17, 17)),
        (Pool(3, polarity=False), (1, 11, 11)),
        (Shift(2), SHAPE),
    ],
    ids=str,
)
def test_shape_follows_and_holds_what_comes_out(transform, expected):
    assert shape_after(transform, SHAPE) == expected
    after = apply(transform, own(2000), rng())
    if not isinstance(transform, (Shift, Pool)):  # what these move or pool out of the sensor goes when it is binned
        for axis, size in zip("pyx", expected, strict=True):
            assert 0 <= after[axis].min() and after[axis].max() < size


@pytest.mark.parametrize("transform", [tt.ToFrame(sensor_size=None, n_time_bins=3), tt.Downsample(time_factor=1e-3)])
def test_tonics_that_make_no_events_or_other_time_are_refused(transform):
    with pytest.raises(UserError, match="tonic"):
        shape_after(transform, SHAPE)


def test_binding_fills_in_the_sensor_and_makes_tuples():
    chain = {"pool": Pool(2), "flip": FlipLR(), "noise": tt.UniformNoise(sensor_size=None, n=[10, 20])}
    bound_chain, shape = bound(chain, SHAPE)
    assert shape == (2, 17, 17)
    assert bound_chain[1].sensor == (2, 17, 17)
    assert bound_chain[2].sensor_size == (17, 17, 2) and bound_chain[2].n == (10, 20)
    composed, shape = bound([tt.Compose([tt.Downsample(spatial_factor=0.5), FlipLR()])], SHAPE)
    assert len(composed) == 2 and composed[1].sensor == shape == (2, 17, 17)


def test_binding_refuses_what_cannot_be_called():
    with pytest.raises(UserError, match="a transform is 3"):
        bound([3], SHAPE)
