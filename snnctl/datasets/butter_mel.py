"""Band-pass filters on the mel scale, as a cochlea or an analog front end has: sound as levels of a few channels."""

from __future__ import annotations

import numpy as np

from snnctl.datasets.mel import hz_to_mel, mel_to_hz
from snnctl.errors import UserError


def butter_mel_bank(
    signal: np.ndarray,
    rate: float,
    channels: int = 64,
    low: float = 100.0,
    width: float = 2.0,
    order: int = 2,
    smooth: bool = True,
) -> np.ndarray:
    """The envelope of a sound in bands of frequency, at its own sampling rate.

        y_c = lowpass(|bandpass_c(x)|),   bandpass_c from f_c to f_c (1 + width / C), f_c even in mel, lowpass at `low`

    All filters are Butterworth filters that look backwards only.

    Args:
        signal: (n,) sound of one channel.
        rate: sampling rate, Hz.
        channels: C.
        low: lowest frequency, and cut-off of the envelope, Hz.
        width: of a band, as a share of its lowest frequency, times C.
        order: of the filters.
        smooth: False leaves out the absolute value and the low-pass.

    Returns:
        (n, C) float64, in the signal's scale.

    Raises:
        UserError: settings that make no filters.

    Source: Butterworth 1930, On the Theory of Filter Amplifiers; as Rockpool's ButterMelFilter.
    """
    from scipy.signal import butter, sosfilt

    signal, share = np.asarray(signal, np.float64), width / channels if channels >= 1 else 0.0
    top = rate / 2 / (1 + share) - 1
    if channels < 1 or not 0 < low < top or width <= 0 or order < 1:
        raise UserError(
            f"butter-mel: {channels} channels from {low} Hz, width {width}, order {order}, sampling rate {rate} Hz",
            f"expected 1 channel or more, 0 < low < {top:g} Hz, a width above 0, an order of at least 1",
        )
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(top), channels))
    out = np.empty((len(signal), channels))
    envelope = butter(order, low, fs=rate, output="sos")
    for c, f in enumerate(edges):
        band = sosfilt(butter(order, (f, f * (1 + share)), btype="band", fs=rate, output="sos"), signal)
        out[:, c] = sosfilt(envelope, np.abs(band)) if smooth else band
    return out


def butter_mel(
    signal: np.ndarray,
    rate: float,
    channels: int = 64,
    period: float = 10e-3,
    low: float = 100.0,
    width: float = 2.0,
    order: int = 2,
    floor: float = 1e-4,
) -> np.ndarray:
    """The bank's envelope in frames, on the scale of `log_mel`: 0 is silence.

        m[k, c] = log(1 + max(y_c(k period), 0)^2 / (floor max y^2))

    Args:
        period: time between frames, s; at least 1 / rate.
        floor: energy, as a share of the recording's loudest, at which a channel begins to count.
        others: as of `butter_mel_bank`.

    Returns:
        (frames, C) float32, frames = ceil(n / (rate period)). A silent recording gives zeros.

    Raises:
        UserError: signal not of one channel or empty; settings that make no filters or frames.
    """
    signal = np.asarray(signal, np.float64)
    if signal.ndim != 1 or not signal.size:
        raise UserError(f"butter-mel: the signal has the shape {signal.shape}", "expected one channel of sound, (n,)")
    if not (period * rate >= 1 and floor > 0):
        hint = f"expected a period of at least {1 / rate:g} s, a floor above 0"
        raise UserError(f"butter-mel: period {period} s, floor {floor}", hint)
    frames = int(np.ceil(signal.size / (rate * period) - 1e-9))
    at = np.minimum(np.round(np.arange(frames) * (rate * period)).astype(np.int64), signal.size - 1)
    energy = np.square(np.maximum(butter_mel_bank(signal, rate, channels, low, width, order)[at], 0))
    loudest = energy.max()
    if loudest == 0:
        return np.zeros((frames, channels), np.float32)
    return np.log1p(energy / (floor * loudest)).astype(np.float32)
