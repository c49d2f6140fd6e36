"""Front end for inertial sensors: acceleration in three axes to spikes in bands of frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, within
from snnctl.datasets.encodings.rotation import TABLE, without_rotation
from snnctl.errors import UserError

BITS = 16  # of a sample, with its sign
FRACTION = 8  # binary digits that the filters keep beyond it
MOST = 15  # spikes a step and channel of the scale code: 4 bits


class BandPass(NamedTuple):
    """A Butterworth band-pass of the first order in whole numbers:

        w[t] = (2^8 x[t] - (a1 w[t-1] + a2 w[t-2]) / 2^fraction) / 2^shift,   y[t] = (w[t] - w[t-2]) / 2^8

    Args:
        shift: of its gain, binary digits. fraction: of its taps, binary digits.
        a1, a2: taps.
    """

    shift: int
    fraction: int
    a1: int
    a2: int

    @classmethod
    def between(cls, low: float, high: float, rate: float) -> BandPass:
        """The filter between two frequencies.

        Args:
            low, high: cut-off, Hz, 0 < low < high < rate / 2.
            rate: sampling rate, Hz.

        Raises:
            UserError: frequencies that make no band.
        """
        if not 0 < low < high < rate / 2:
            raise UserError(
                f"IMU: a band is {low:g} to {high:g} Hz", f"range          0 < low < high < {rate / 2:g} Hz"
            )
        from scipy.signal import butter

        b, a = butter(1, (low, high), btype="bandpass", fs=rate)
        shift = int(math.log2(1 / abs(b[0])))
        fraction = BITS - shift - 1
        taps = (2.0 ** (fraction + shift) * a).astype(np.int64)
        return cls(shift, fraction, int(taps[1]), int(taps[2]))


@njit(cache=True, nogil=True)
def _filtered(signal, shift, fraction, a1, a2):
    """(L,) int64 -> (L,); the signal, mirrored in time, goes before it, so that the filter has settled."""
    rows = len(signal)
    out = np.empty_like(signal)
    w1 = w2 = np.int64(0)
    for t in range(-rows, rows):
        x = signal[-1 - t] if t < 0 else signal[t]
        w = ((x << FRACTION) + ((-a2 * w2 - a1 * w1) >> fraction)) >> shift
        if t >= 0:
            out[t] = (w - w2) >> FRACTION
        w2, w1 = w1, w
    return out


@dataclass(frozen=True)
class IMU:
    """Acceleration as spikes: the rotation of the sensor removed, each axis through a bank of band-passes, and then

        scale:      x = min(|y| / 2^scale_bits, 15)                                  several spikes a step
        threshold:  x = 1 where sum |y| passes a multiple of the threshold           integrate and fire, at most one

    (3,) becomes (3 bands,), the bands of the first axis first. All arithmetic is in whole numbers of 16 bits, as in the
    front end of Xylo IMU, at 200 Hz there.

    Args:
        full_scale: the value that the largest number stands for, in the unit of the values.
        bands: (low, high) of each band-pass, Hz.
        scale_bits: binary digits that the scale code drops, 0 to 31.
        threshold: of integrate and fire, in the smallest unit of y; None: the scale code.
        rotation: whether the rotation is removed, which takes three axes.
        average: binary logarithm of the samples that directions are averaged over, 0 to 31.
        hold: samples between two estimates of the directions.
        outside: a value of full_scale or beyond: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a band beyond half the sampling rate, a value beyond full_scale.

    Source: Rockpool, Xylo IMU front end, rockpool.ai/devices/xylo-imu; Jacobi rotations: Golub and Van Loan 2013,
    Matrix Computations, section 8.5.
    """

    full_scale: float = 2.0
    bands: Sequence[Sequence[float]] = ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (16.0, 32.0))
    scale_bits: int = 5
    threshold: int | None = None
    rotation: bool = True
    average: int = 4
    hold: int = 10
    outside: Outside = "refuse"

    def __post_init__(self):
        number("IMU", "full_scale", self.full_scale, "unit of the values", 0.0, above=True)
        number("IMU", "scale_bits", self.scale_bits, "binary digits", 0, 31)
        if self.threshold is not None:
            number("IMU", "threshold", self.threshold, "smallest unit of a filter's output", 1, 2**31 - 1)
        number("IMU", "average", self.average, "binary logarithm of samples", 0, 31)
        number("IMU", "hold", self.hold, "samples", 1, 2047)
        choice("IMU", "outside", self.outside, Outside)

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C,) -> (C bands,)."""
        if len(shape) != 1 or (self.rotation and shape[0] != 3):
            axes = "3 axes, (3,)" if self.rotation else "channels, (C,)"
            raise UserError(
                f"IMU: a step is {tuple(shape)}", f"expected {axes}; dataset.encoding.rotation=false takes any"
            )
        return (shape[0] * len(self.bands),)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spikes a step, (T, B, C bands).

        Raises:
            UserError: a band beyond half the sampling rate, a value beyond full_scale, a step of another shape.
        """
        channels = self.shape(tuple(values.shape[2:]))[0]
        most = self.full_scale * (1 - 2.0 ** (1 - BITS))
        v = within("IMU", values, -most, most, "unit of the values, within full_scale", self.outside).numpy()
        filters = [BandPass.between(float(low), float(high), 1 / dt) for low, high in self.bands]
        whole = (v.astype(np.float64) * (2 ** (BITS - 1) / self.full_scale)).astype(np.int64)
        out = np.zeros((steps, len(rngs) or values.shape[1], channels), np.float32)
        for b in range(values.shape[1]):
            signal = np.ascontiguousarray(whole[:, b])
            if self.rotation:
                signal = without_rotation(signal, self.average, self.hold, TABLE)
            banks = [_filtered(np.ascontiguousarray(axis), *each) for axis in signal.T for each in filters]
            out[: len(signal), b] = self._spikes(np.abs(np.stack(banks, 1)))
        return torch.from_numpy(out)

    def _spikes(self, y: np.ndarray) -> np.ndarray:
        if self.threshold is None:
            return np.minimum(y >> self.scale_bits, MOST)
        passed = np.cumsum(y, axis=0) // self.threshold
        return np.minimum(np.diff(passed, axis=0, prepend=0), 1)
