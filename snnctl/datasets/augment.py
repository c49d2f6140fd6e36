"""Random augmentation: small frozen transforms `(events, rng) -> events`, or of values (L, C, H, W) for frames.

Each draw comes from the sample's own generator, so an epoch's samples are the same with any number of workers. Events
that leave the sensor or the recording are dropped when they are binned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from snnctl.errors import UserError


def _fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UserError(f"{name} is {value}", "expected a probability from 0 to 1")


@njit(cache=True, nogil=True)
def _move(events, dx, dy, width):
    for i in range(events.size):
        x = events[i].x + dx
        within = width == 0 or x // width == events[i].x // width
        events[i].x = x if within else -1  # outside: dropped when it is binned
        events[i].y += dy


@dataclass(frozen=True)
class Shift:
    """Move the whole recording by whole pixels: (x, y) += (dx, dy), each uniform over -pixels..pixels.

    A line of channels (no rows) moves along x only. Values move with zeros (black) behind them.

    Args:
        pixels: the largest move, pixels.
        lines: how many lines lie side by side in a line of channels, such as downward and upward changes (2); each
            moves within its own part of x.
        sensor: shape of one step; filled in from the data set.
    """

    keeps_time: ClassVar[bool] = True

    pixels: int = 1
    lines: int = 1
    sensor: tuple[int, ...] | None = None

    def __post_init__(self):
        if self.pixels < 0 or self.lines < 1:
            raise UserError(
                f"Shift: pixels is {self.pixels}, lines is {self.lines}", "expected pixels from 0, lines from 1"
            )
        if self.lines > 1 and self.sensor is not None and (len(self.sensor) != 1 or self.sensor[0] % self.lines):
            raise UserError(
                f"Shift: {self.lines} lines do not make up a step of shape {tuple(self.sensor)}",
                "lines is for a line of channels, and divides their number; leave it out for sensors and images",
            )

    @property
    def choices(self) -> int:
        """How many different moves there are."""
        return (2 * self.pixels + 1) ** 2

    def choose(self, uniform: np.ndarray) -> np.ndarray:
        """The number of a move for each pair of uniform draws: (..., 2) -> (...) int64."""
        side = 2 * self.pixels + 1
        dx, dy = np.moveaxis((uniform * side).astype(np.int64), -1, 0)
        return dy * side + dx

    def __call__(self, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The moved events, or values; events are moved in place."""
        return self.moved(events, int(self.choose(rng.random(2))))

    def moved(self, events: np.ndarray, choice: int) -> np.ndarray:
        """Events or values after the move of that number."""
        dy, dx = (n - self.pixels for n in divmod(choice, 2 * self.pixels + 1))
        if events.dtype.names:
            rows = self.sensor is None or (len(self.sensor) == 3 and self.sensor[-2] > 1)
            width = 0 if self.sensor is None else self.sensor[-1] // self.lines
            _move(events, dx, dy if rows else 0, width)
            return events
        moved = np.zeros_like(events)
        height, width = events.shape[-2:]
        if abs(dy) < height and abs(dx) < width:
            to = (slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
            of = (slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0)))
            moved[(..., *to)] = events[(..., *of)]
        return moved


@dataclass(frozen=True)
class TimeJitter:
    """Move every event in time by its own normal draw: t += N(0, std).

    Args:
        std: standard deviation, s.
    """

    std: float = 1e-3

    def __call__(self, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Events sorted by their new time; none leaves the span of the recording's own events."""
        if not len(events):
            return events
        t = events["t"]
        moved = t + np.rint(rng.standard_normal(len(t), dtype=np.float32) * (self.std * 1e6)).astype(np.int64)
        events["t"] = np.clip(moved, t[0], t[-1])
        return events[np.argsort(events["t"], kind="stable")]


@dataclass(frozen=True)
class DropEvents:
    """Drop every event with probability p, each by its own draw.

    Args:
        p: probability.
    """

    p: float = 0.1

    def __post_init__(self):
        _fraction("DropEvents: p", self.p)

    def __call__(self, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The events that stay."""
        return events[rng.random(len(events), dtype=np.float32) >= self.p]


@dataclass(frozen=True)
class FlipLR:
    """Mirror the whole recording left to right with probability p: x = W - 1 - x. Not for digits, letters and gestures.

    Args:
        p: probability.
        sensor: shape of one step; filled in from the data set.
    """

    keeps_time: ClassVar[bool] = True

    p: float = 0.5
    sensor: tuple[int, ...] | None = None

    def __post_init__(self):
        _fraction("FlipLR: p", self.p)

    def __call__(self, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The events, or values, mirrored or not."""
        if rng.random() >= self.p:
            return events
        if events.dtype.names is None:
            return events[..., ::-1]
        events["x"] = self.sensor[-1] - 1 - events["x"]
        return events


@dataclass(frozen=True)
class Turn:
    """Turn and scale the whole recording about the sensor's middle, to the nearest pixel.

    (x, y) = c + s R(a) ((x, y) - c),   a uniform over -degrees..degrees,   s uniform over 1 - scale..1 + scale

    Args:
        degrees: the largest angle.
        scale: the largest change of size, a share.
        sensor: shape of one step; filled in from the data set.
    """

    keeps_time: ClassVar[bool] = True

    degrees: float = 10.0
    scale: float = 0.0
    sensor: tuple[int, ...] | None = None

    def __call__(self, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The turned events."""
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees))
        size = rng.uniform(1 - self.scale, 1 + self.scale)
        cos, sin = np.float32(size * np.cos(angle)), np.float32(size * np.sin(angle))
        cx, cy = np.float32((self.sensor[-1] - 1) / 2), np.float32((self.sensor[-2] - 1) / 2)
        x, y = events["x"] - cx, events["y"] - cy
        events["x"] = np.rint(cos * x - sin * y + cx)
        events["y"] = np.rint(sin * x + cos * y + cy)
        return events
