"""Binning against a plain numpy reference, and against tonic's ToFrame event for event."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import events

from snnctl.datasets.batch import EventList
from snnctl.datasets.binning import Bins, count_events, list_events
from snnctl.datasets.codes import encode

SHAPE = (2, 5, 6)


def dense(samples, bins, steps, shape=SHAPE, stacked=False):
    """Counts (T, B, *shape) of EVENT arrays, by the kernel."""
    columns = [encode(own, shape) for own in samples]
    last = np.cumsum([len(t) for t, _ in columns])
    first = last - [len(t) for t, _ in columns]
    t, code = (np.concatenate([c[k] for c in columns]) for k in (0, 1))
    size = int(np.prod(shape))
    out = np.zeros(steps * len(samples) * size, np.float32)
    strides = (size, steps * size) if stacked else (len(samples) * size, size)
    count_events(t, code, first, last, bins.edges(steps), bins.per_sample, out, *strides)
    offsets = np.empty(steps * len(samples) + 1, np.int64)
    codes = list_events(t, code, first, last, bins.edges(steps), bins.per_sample, offsets)
    events_ = EventList(torch.from_numpy(codes), torch.from_numpy(offsets), steps, len(samples), shape)
    if stacked:
        return out.reshape(len(samples), steps, *shape)
    frames = out.reshape(steps, len(samples), *shape)
    assert np.array_equal(events_.dense().numpy(), frames)  # the list says the same, always
    return frames


def reference(samples, width, steps, origin=None, shape=SHAPE):
    out = np.zeros((steps, len(samples), *shape), np.float32)
    for b, own in enumerate(samples):
        for e in own:
            k = (int(e["t"]) - (0 if origin is None else origin[b])) // width[b]
            if 0 <= k < steps:
                out[k, b, e["p"], e["y"], e["x"]] += 1
    return out


times = st.lists(st.integers(0, 2000), min_size=1, max_size=40).map(sorted)


def of_times(t):
    own = events(np.random.default_rng(len(t)), len(t))
    own["t"] = t
    return own


@settings(max_examples=60, deadline=None)
@given(st.lists(times, min_size=1, max_size=4), st.integers(1, 500), st.integers(1, 12))
def test_fixed_bins_equal_the_reference(samples, width, steps):
    samples = [of_times(t) for t in samples]
    assert np.array_equal(dense(samples, Bins(width, 1, steps), steps), reference(samples, [width] * 9, steps))


@settings(max_examples=60, deadline=None)
@given(st.lists(times, min_size=1, max_size=4), st.integers(1, 12))
def test_per_sample_bins_equal_the_reference(samples, steps):
    samples = [of_times(t) for t in samples]
    origin = [int(own["t"][0]) for own in samples]
    width = [max(1, (int(own["t"][-1]) - o) // steps) for own, o in zip(samples, origin, strict=True)]
    expected = reference(samples, width, steps, origin)
    assert np.array_equal(dense(samples, Bins(steps=steps, per_sample=True), steps), expected)


@settings(max_examples=30, deadline=None)
@given(times, st.integers(1, 40))
def test_a_width_that_is_no_whole_number_splits_exactly(t, steps):
    bins = Bins.of_number(steps, 2001e-6)  # 2001 / steps microseconds
    got = dense([of_times(t)], bins, steps).sum((1, 2, 3, 4))
    expected = np.bincount(np.array(t, np.int64) * steps // 2001, minlength=steps)
    assert np.array_equal(got, expected)


def test_an_event_at_an_edge_belongs_to_the_later_bin():
    own = of_times([0, 99, 100, 199, 200, 299, 300])
    assert dense([own], Bins(100, 1, 3), 3).sum((1, 2, 3, 4)).tolist() == [2, 2, 2]  # 300 is past the end


def test_edges_of_thirds_of_a_millisecond():
    assert Bins.of_number(3, 1e-3).edges(3).tolist() == [0, 334, 667, 1000]
    assert Bins.of_width(1e-3 / 3).edges(3).tolist() == [0, 334, 667, 1000]
    assert Bins.of_width(0.1 + 0.2) == Bins(300_000, 1)  # float dirt is no width of its own


def test_lengths_round_up_and_are_cropped():
    extent = np.array([1, 100, 101, 1000])
    assert Bins(100, 1).lengths(extent).tolist() == [1, 1, 2, 10]
    assert Bins(100, 1, steps=4).lengths(extent).tolist() == [1, 1, 2, 4]
    assert Bins(steps=7, per_sample=True).lengths(extent).tolist() == [7] * 4


def test_one_event_and_none():
    one, none = of_times([50]), of_times([50])[:0]
    fixed = dense([one, none], Bins(100, 1, 2), 2)
    assert fixed[0, 0].sum() == 1 and fixed[:, 1].sum() == 0
    own = dense([one, none], Bins(steps=3, per_sample=True), 3)
    assert own[0, 0].sum() == 1 and own.sum() == 1  # tonic's bins would be 0 wide and lose it


def test_counts_do_not_saturate():
    own = of_times([5] * 70_000)
    own["x"], own["y"], own["p"] = 5, 4, 1
    assert dense([own], Bins(10, 1, 1), 1)[0, 0, 1, 4, 5] == 70_000


def test_stacked_is_frames_with_bins_as_channels():
    samples = [events(np.random.default_rng(i), 60) for i in range(3)]
    frames = dense(samples, Bins(20_000, 1, 5), 5)
    assert np.array_equal(dense(samples, Bins(20_000, 1, 5), 5, stacked=True), frames.swapaxes(0, 1))


def tonic_frames(own, shape, **how):
    from tonic.transforms import ToFrame

    return ToFrame(sensor_size=shape[::-1], **how)(own)


@pytest.mark.parametrize("seed", range(4))
def test_random_events_equal_tonics_frames(seed):
    own = events(np.random.default_rng(seed), 500, span=10_000)
    own["t"] += 1234
    t0 = int(own["t"][0])
    for steps in (1, 7, 20):
        expected = tonic_frames(own, SHAPE, n_time_bins=steps)
        assert np.array_equal(dense([own], Bins(steps=steps, per_sample=True), steps)[:, 0], expected)
    for width in (10, 333, 20_000):
        steps = -(-10_000 // width)
        expected = tonic_frames(own, SHAPE, time_window=width, start_time=t0, end_time=t0 + steps * width)
        own_time = own.copy()
        own_time["t"] -= t0
        assert np.array_equal(dense([own_time], Bins(width, 1, steps), steps)[:, 0], expected)


@pytest.mark.data
def test_real_recordings_equal_tonics_frames(shared_data):
    import tonic.io

    from snnctl.datasets.recording import EVENT

    shape, raw = (2, 34, 34), np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    for path in sorted((shared_data / "nmnist-1k/NMNIST/Train/3").glob("*.bin"))[:8]:
        own = tonic.io.read_mnist_file(path, dtype=raw)
        ours = np.zeros(len(own), EVENT)
        for name in EVENT.names:
            ours[name] = own[name]
        expected = tonic_frames(own, shape, n_time_bins=20)
        assert np.array_equal(dense([ours], Bins(steps=20, per_sample=True), 20, shape)[:, 0], expected)
        start = int(own["t"][0])
        ours["t"] -= start
        expected = tonic_frames(own, shape, time_window=15_000, start_time=start, end_time=start + 300_000)
        got = dense([ours], Bins.of_number(20, 0.3), 20, shape)[:, 0]
        assert np.array_equal(got, expected) and got.sum() > 3000
        incomplete = tonic_frames(own, shape, time_window=15_000, include_incomplete=True)  # as long as the recording
        steps = int(Bins(15_000, 1).lengths(ours["t"][-1:] + 1)[0])
        assert np.array_equal(dense([ours], Bins(15_000, 1), steps, shape)[: len(incomplete), 0], incomplete)
