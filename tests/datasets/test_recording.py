"""Recordings given column by column, and what a source says of itself."""

from __future__ import annotations

import pytest
from toy import NpyEvents, ToyEvents, write_npy

from snnctl.datasets.recording import EVENT, from_events
from snnctl.errors import UserError


def test_columns_are_sorted_and_the_extent_follows():
    recording = from_events([30, 10, 20], [1, 2, 3], p=[0, 1, 1])
    assert recording.events.dtype == EVENT
    assert recording.events.tolist() == [(10, 2, 0, 1), (20, 3, 0, 1), (30, 1, 0, 0)]
    assert (recording.start, recording.stop) == (10, 31)
    assert from_events([1.9, 0.2], [0, 0], start=0, stop=100).events["t"].tolist() == [0, 1]


def test_events_of_one_time_keep_their_order():
    assert from_events([5, 1, 1, 1], [0, 3, 2, 1]).events["x"].tolist() == [3, 2, 1, 0]


def test_no_events_is_an_error():
    with pytest.raises(UserError, match="no event"):
        from_events([], [])


def test_a_source_names_its_recordings(tmp_path):
    source = NpyEvents(write_npy(tmp_path))
    assert source.where("train", 4) == str(tmp_path / "train" / "1_003.npy")
    assert ToyEvents().where("test", 3) == "test 3" and ToyEvents().name == "ToyEvents"
