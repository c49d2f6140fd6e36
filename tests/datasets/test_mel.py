"""Log-mel: filters by hand, a tone where it belongs, and the scale of silence and loudness."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.datasets.mel import hz_to_mel, log_mel, mel_filters, mel_to_hz
from snnctl.errors import UserError


def test_the_mel_scale():
    assert hz_to_mel([0.0, 700.0, 1000.0]) == pytest.approx([0.0, 781.1728, 999.9855], abs=1e-3)
    assert mel_to_hz(hz_to_mel([50.0, 1234.5])) == pytest.approx([50.0, 1234.5])


def test_filters_by_hand():
    # bins at 0, 1000, ..., 4000 Hz; one triangle from 0 over m to 4000 Hz
    m = float(mel_to_hz(hz_to_mel(4000.0) / 2))
    assert 1000 < m < 2000
    raw = np.array([0, 1000 / m, 2000 / (4000 - m), 1000 / (4000 - m), 0])
    assert mel_filters(1, 8, 8000, 0, 4000)[0] == pytest.approx(raw / raw.sum())


def test_every_filter_sums_to_one_even_where_bins_are_coarse():
    filters = mel_filters(64, 256, 8000, 50, 4000)
    assert filters.shape == (64, 129)
    assert filters.sum(1) == pytest.approx(np.ones(64))
    assert (filters >= 0).all()


def test_a_tone_is_loudest_in_its_channel():
    rate, channels = 8000, 32
    corners = mel_to_hz(np.linspace(hz_to_mel(50), hz_to_mel(4000), channels + 2))
    for channel in (8, 16, 28):
        tone = np.sin(2 * np.pi * corners[channel + 1] * np.arange(4000) / rate)
        assert log_mel(tone, rate, channels)[10:-10].sum(0).argmax() == channel


def test_frames_are_centred_on_their_times():
    click = np.zeros(8000)
    click[4000] = 1.0  # at 0.5 s
    frames = log_mel(click, 8000, channels=4, period=10e-3, window=20e-3)
    assert frames.shape == (100, 4) and frames.dtype == np.float32
    assert frames.sum(1).argmax() == 50
    assert np.flatnonzero(frames.sum(1)).tolist() == [50, 51]  # 10 ms on each side, the far end open


def test_scale_is_from_silence_to_the_loudest():
    tone = np.concatenate([np.zeros(4000), np.sin(np.arange(4000))])
    frames = log_mel(tone, 8000, floor=1e-3)
    assert frames[:40].max() == 0.0
    assert frames.max() == pytest.approx(np.log(1 + 1e3), rel=1e-6)
    assert log_mel(tone * 77, 8000, floor=1e-3) == pytest.approx(frames, abs=1e-5)  # volume does not matter
    assert (log_mel(np.zeros(100), 8000) == 0).all()


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (80, 1), (81, 2), (800, 10)])
def test_the_number_of_frames(samples, frames):
    assert log_mel(np.ones(samples, np.int16), 8000, period=10e-3).shape == (frames, 64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signal": np.zeros((9, 2))}, r"shape \(9, 2\)"),
        ({"signal": np.zeros(0)}, r"shape \(0,\)"),
        ({"high": 5000.0}, "5000.0 Hz"),
        ({"channels": 0}, "0 channels"),
        ({"period": 1e-5}, "period 1e-05 s"),
        ({"floor": 0.0}, "floor 0.0"),
    ],
)
def test_wrong_input(change, message):
    with pytest.raises(UserError, match=message):
        log_mel(**({"signal": np.ones(100), "rate": 8000} | change))
