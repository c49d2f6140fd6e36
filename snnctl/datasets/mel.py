"""Log-mel spectrogram: sound as slowly moving levels of a few channels, ready for send-on-delta."""

from __future__ import annotations

import numpy as np

from snnctl.errors import UserError


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """m = 2595 log10(1 + f / 700), f in Hz (O'Shaughnessy 1987)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray:
    """f = 700 (10^(m / 2595) - 1), in Hz."""
    return 700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0)


def mel_filters(channels: int, size: int, rate: float, low: float, high: float) -> np.ndarray:
    """Triangular filters whose corners lie evenly on the mel scale; each sums to 1, so channels compare.

    Where a triangle is narrower than the Fourier bins, it reads the bins beside its middle by linear interpolation:
    no channel stays empty.

    Args:
        channels: number of filters C.
        size: length of the Fourier transform, samples.
        rate: sampling rate, Hz.
        low, high: lowest and highest corner, Hz.

    Returns:
        (C, size // 2 + 1) float64.
    """
    bins = np.arange(size // 2 + 1) * (rate / size)
    corners = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high), channels + 2))
    width = rate / size
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    left, right = np.minimum(left, middle - width), np.maximum(right, middle + width)
    filters = np.clip(np.minimum((bins - left) / (middle - left), (right - bins) / (right - middle)), 0.0, None)
    return filters / filters.sum(1, keepdims=True)


def log_mel(
    signal: np.ndarray,
    rate: float,
    channels: int = 64,
    period: float = 10e-3,
    window: float = 25e-3,
    low: float = 50.0,
    high: float | None = None,
    floor: float = 1e-4,
) -> np.ndarray:
    """Log-mel spectrogram above a floor: 0 is silence, log(1 + 1/floor) the loudest instant of the loudest channel.

    m[k, c] = log(1 + E[k, c] / (floor max E)),   E = filters |FFT(Hann window * signal around k period)|^2

    Args:
        signal: (n,) sound of one channel, any number type and scale.
        rate: sampling rate, Hz.
        channels: mel channels C.
        period: time between frames, s.
        window: length of the Hann window, s.
        low, high: frequency range, Hz; high None: half the sampling rate.
        floor: energy, as a share of the recording's loudest, at which a channel begins to count.

    Returns:
        (frames, C) float32, frames = ceil(n / (rate period)); frame k is centred on time k period; beyond its ends the
        signal is taken as 0. A silent recording gives zeros.

    Raises:
        UserError: signal not of one channel or empty; a range, rate, period, window or floor that makes no sense.

    Source: Davis and Mermelstein 1980, doi:10.1109/TASSP.1980.1163420.
    """
    signal = np.asarray(signal, dtype=np.float64)
    if signal.ndim != 1 or not signal.size:
        raise UserError(f"log-mel: the signal has the shape {signal.shape}", "expected one channel of sound, (n,)")
    high = rate / 2 if high is None else high
    if not (0 <= low < high <= rate / 2) or channels < 1:
        raise UserError(
            f"log-mel: {channels} channels from {low} to {high} Hz at a sampling rate of {rate} Hz",
            f"expected 0 <= low < high <= {rate / 2:g} Hz and at least 1 channel",
        )
    if not (period * rate >= 1 and window * rate >= 2 and floor > 0):
        raise UserError(
            f"log-mel: period {period} s, window {window} s, floor {floor}",
            f"expected a period of at least {1 / rate:g} s, a window of at least {2 / rate:g} s, a floor above 0",
        )
    length = round(window * rate)
    size = 1 << (length - 1).bit_length()
    frames = int(np.ceil(signal.size / (rate * period) - 1e-9))
    begin = np.round(np.arange(frames) * (rate * period)).astype(np.int64)  # frame k, in the padded signal
    padded = np.pad(signal, (length // 2, length))
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)
    spectrum = np.fft.rfft(padded[begin[:, None] + np.arange(length)] * taper, size)
    energy = (spectrum.real**2 + spectrum.imag**2) @ mel_filters(channels, size, rate, low, high).T
    loudest = energy.max()
    if loudest == 0:
        return np.zeros((frames, channels), np.float32)
    return np.log1p(energy / (floor * loudest)).astype(np.float32)
