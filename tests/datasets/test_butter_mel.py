"""The bank of Butterworth filters: which channel a tone excites, time, scale, bad settings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import wavfile

from snnctl.datasets.butter_mel import butter_mel, butter_mel_bank
from snnctl.datasets.mel import hz_to_mel, mel_to_hz
from snnctl.datasets.wav import WavEvents
from snnctl.errors import UserError

RATE = 8000.0
T = np.arange(4000) / RATE


@pytest.mark.parametrize("channel", [3, 8, 14])
def test_a_tone_excites_its_channel(channel):
    share = 2.0 / 16
    low = mel_to_hz(np.linspace(hz_to_mel(100.0), hz_to_mel(RATE / 2 / (1 + share) - 1), 16))[channel]
    y = butter_mel_bank(np.sin(2 * np.pi * low * (1 + share / 2) * T), RATE, 16)
    assert y.shape == (4000, 16) and y[2000:].mean(0).argmax() == channel
    assert y[3000, channel] == pytest.approx(2 / np.pi, rel=0.1)  # the mean of |sin|


def test_frames_begin_with_silence_and_know_no_scale():
    sound = np.where(T > 0.25, np.sin(2 * np.pi * 500 * T), 0.0)
    frames = butter_mel(sound, RATE, 16)
    assert frames.shape == (50, 16) and frames.dtype == np.float32
    assert not frames[:25].any() and frames[30:].max() > 5  # it looks backwards only
    np.testing.assert_allclose(butter_mel(sound * 1000, RATE, 16), frames, rtol=1e-4)
    assert not butter_mel(np.zeros(100), RATE, 4).any()


@pytest.mark.parametrize(
    "options",
    [{"channels": 0}, {"low": 0.0}, {"low": 5000.0}, {"width": 0.0}, {"order": 0}, {"period": 1e-5}, {"floor": 0.0}],
)
def test_settings_that_make_no_filters(options):
    with pytest.raises(UserError, match="butter-mel"):
        butter_mel(np.ones(100), RATE, **options)


def test_recordings_take_either_bank(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        wavfile.write(tmp_path / name / "0.wav", 8000, (np.sin(2 * np.pi * 440 * T) * T * 30000).astype(np.int16))
    read = {
        bank: WavEvents(tmp_path, "toy", ["."], channels=8, bank=bank, low=100.0).read("train", 0)
        for bank in ("fourier", "butterworth")
    }
    assert all(len(r.events) > 3 for r in read.values())
    assert not np.array_equal(read["fourier"].events, read["butterworth"].events)
    with pytest.raises(UserError, match="bank is 'butter'"):
        WavEvents(tmp_path, "toy", ["."], bank="butter")
