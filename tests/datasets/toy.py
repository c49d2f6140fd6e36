"""Sources small enough to check by hand: events drawn or read from .npy files, images, series."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from snnctl.datasets.recording import EVENT, Recording, from_events
from snnctl.datasets.source import Source
from snnctl.errors import UserError


def events(rng, n, shape=(2, 5, 6), span=100_000, start=0) -> np.ndarray:
    """n random events, sorted; some share a time."""
    p, h, w = shape
    out = np.zeros(n, EVENT)
    out["t"] = start + np.sort(rng.integers(0, span, n))
    out["x"], out["y"], out["p"] = rng.integers(0, w, n), rng.integers(0, h, n), rng.integers(0, p, n)
    return out


class ToyEvents(Source):
    """n recordings a part of 40 to 80 events, one every class in turn; `slow` seconds a read."""

    shape = (2, 5, 6)
    classes = ("a", "b", "c")
    duration = 0.1

    def __init__(self, root="data", n=30, span=100_000, slow=0.0, official=True, varied=False):
        super().__init__(root)
        self.n, self.span, self.official, self.varied = n, span, official, varied
        self._slow = slow
        if varied:
            self.duration = None

    def parts(self):
        labels = np.arange(self.n) % 3
        return {"train": labels, "test": labels[: self.n // 3]} if self.official else {"train": labels}

    def read(self, part, i):
        time.sleep(self._slow)
        rng = np.random.default_rng([i, part == "test"])
        span = self.span // (1 + i % 3) if self.varied else self.span
        return Recording(events=events(rng, int(rng.integers(40, 80)), self.shape, span), start=0, stop=span)

    def files(self, part):
        return []


class NpyEvents(Source):
    """Recordings in root/<part>/<class>_<number>.npy, EVENT arrays."""

    shape = (2, 5, 6)
    classes = ("0", "1")
    duration = 0.1

    def files(self, part):
        return sorted((self.root / part).glob("*.npy"))

    def parts(self):
        found = {part: self.files(part) for part in ("train", "test")}
        return {part: np.array([int(f.name[0]) for f in files]) for part, files in found.items() if files}

    def read(self, part, i):
        path = self.files(part)[i]
        try:
            own = np.load(path)
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"{path}: truncated or corrupt", "remove it") from error
        return from_events(own["t"], own["x"], own["y"], own["p"])


def write_npy(root: Path, n: int = 6, part: str = "train") -> Path:
    """n recordings for NpyEvents."""
    (root / part).mkdir(parents=True, exist_ok=True)
    for i in range(n):
        np.save(root / part / f"{i % 2}_{i:03d}.npy", events(np.random.default_rng(i), 50))
    return root


class ToyImages(Source):
    """12 images of 1 x 4 x 3 whose pixels are 10 times the image's number."""

    kind = "frames"
    shape = (1, 4, 3)
    classes = ("a", "b")

    def parts(self):
        return {"train": np.arange(12) % 2, "test": np.arange(4) % 2}

    def read(self, part, i):
        return Recording(values=np.full((1, *self.shape), 10 * i, np.uint8))


class ToySeries(Source):
    """12 series of 2 channels, a ramp of 4 + i rows, one every 10 ms."""

    kind = "frames"
    shape = (2,)
    classes = ("a", "b")
    period = 10e-3

    def parts(self):
        return {"train": np.arange(12) % 2}

    def read(self, part, i):
        rows = np.arange(4 + i, dtype=np.float32)
        return Recording(values=np.stack([rows, -rows], 1), stop=10_000 * len(rows), period=self.period)
