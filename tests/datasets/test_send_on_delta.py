"""Send-on-delta against events worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.datasets.recording import EVENT
from snnctl.datasets.send_on_delta import send_on_delta
from snnctl.errors import UserError


def test_one_channel_by_hand():
    # r:                       0    0     1    1     4     4       3       3
    values = np.array([[0.0], [0.9], [1.2], [0.3], [4.0], [3.1], [3.0], [3.9]])
    events = send_on_delta(values, theta=1.0, period=10e-3)
    assert events.dtype == EVENT
    assert events.tolist() == [
        (20_000, 0, 0, 1),
        (40_000, 0, 0, 1), (40_000, 0, 0, 1), (40_000, 0, 0, 1),
        (60_000, 0, 0, 0),
    ]  # fmt: skip


def test_two_channels_sorted_by_time_then_channel():
    values = np.array([[5, 0], [3, 4], [3, 4], [6, 0]], dtype=np.uint8)
    events = send_on_delta(values, theta=2.0, period=1e-3)
    assert events.tolist() == [
        (1000, 0, 0, 0), (1000, 1, 0, 1), (1000, 1, 0, 1),
        (3000, 0, 0, 1), (3000, 1, 0, 0), (3000, 1, 0, 0),
    ]  # fmt: skip


def test_what_is_sent_rebuilds_the_signal_to_within_theta():
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(400, 6)), axis=0)
    events = send_on_delta(values, theta=0.7, period=1e-3)
    rebuilt = np.zeros_like(values)
    np.add.at(rebuilt, (events["t"] // 1000, events["x"]), np.where(events["p"] == 1, 0.7, -0.7))
    assert np.abs(values[0] + np.cumsum(rebuilt, axis=0) - values).max() < 0.7


def test_exact_multiples_are_sent_in_full_despite_rounding():
    events = send_on_delta(np.arange(11)[:, None] * 0.1, theta=0.1, period=1.0)
    assert events["t"].tolist() == [k * 1_000_000 for k in range(1, 11)]


def test_initial_makes_the_first_row_send():
    events = send_on_delta(np.array([[2.0, -1.0, 0.5]]), theta=1.0, period=1e-3, initial=0.0)
    assert events.tolist() == [(0, 0, 0, 1), (0, 0, 0, 1), (0, 1, 0, 0)]


def test_no_event_falls_into_the_bin_before_its_row():
    period = 1 / 300  # 3,333.33 us
    events = send_on_delta(np.arange(3000.0)[:, None], theta=1.0, period=period)
    assert (np.floor(events["t"] / (period * 1e6)) == np.arange(1, 3000)).all()


@pytest.mark.parametrize("values", [np.zeros((0, 4)), np.ones((9, 3))])
def test_nothing_to_send(values):
    assert len(send_on_delta(values, 1.0, 1e-3)) == 0


@pytest.mark.parametrize(
    ("values", "theta", "period", "message"),
    [
        (np.zeros((3, 2)), 0.0, 1.0, "theta is 0.0"),
        (np.zeros((3, 2)), 1.0, -1.0, "period is -1.0"),
        (np.zeros(3), 1.0, 1.0, r"shape \(3,\)"),
        (np.array([[0.0], [np.nan]]), 1.0, 1.0, "NaN"),
    ],
)
def test_wrong_input(values, theta, period, message):
    with pytest.raises(UserError, match=message):
        send_on_delta(values, theta, period)
