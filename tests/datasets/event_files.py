"""Writers of small event files, byte by byte, for the tests of readers and sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np

EVENT = np.dtype([("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "i1")])


def events(*rows: tuple[int, int, int, int]) -> np.ndarray:
    """EVENT array from (t, x, y, p) rows."""
    return np.array(list(rows), EVENT)


def random_events(seed: int, width: int, height: int, n: int = 40, last: int = 90_000) -> np.ndarray:
    """`n` sorted events; the first at t = 0, so that an origin of "zero" and of "first" agree."""
    rng = np.random.default_rng(seed)
    made = np.zeros(n, EVENT)
    made["t"][1:] = np.sort(rng.integers(0, last, n - 1))
    made["x"], made["y"], made["p"] = rng.integers(0, width, n), rng.integers(0, height, n), rng.integers(0, 2, n)
    return made


def atis(path: Path, e: np.ndarray) -> Path:
    """An N-MNIST .bin: 8 bits x, 8 y, 1 p, 23 t (big-endian); time past 2^23 us by overflow events in row 240."""
    words, rounds = [], 0
    for t, x, y, p in e.tolist():
        while t - rounds * 8192 >= 1 << 23:
            words += [0, 240, 0, 0, 0]
            rounds += 1
        t -= rounds * 8192
        words += [x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(words))
    return path


def dat(path: Path, e: np.ndarray, header: str = "% Version 2\n% Width 304\n% Height 240\n", kind: int = 0x0C) -> Path:
    """A .dat, version 2."""
    words = np.empty(len(e), [("t", "<u4"), ("a", "<u4")])
    words["t"] = e["t"] & 0xFFFFFFFF
    words["a"] = e["x"].astype("u4") | e["y"].astype("u4") << 14 | e["p"].astype("u4") << 28
    path.write_bytes(header.encode() + bytes([kind, 8]) + words.tobytes())
    return path


def evt2(path: Path, e: np.ndarray, header: str = "% evt 2.0\n% geometry 640x480\n% end\n") -> Path:
    """A .raw of 32-bit words: a time word whenever the high 28 bits of t change."""
    words, high = [], None
    for t, x, y, p in e.tolist():
        if t >> 6 != high:
            high = t >> 6
            words.append(0x8 << 28 | high & 0x0FFFFFFF)
        words.append(p << 28 | (t & 63) << 22 | x << 11 | y)
    path.write_bytes(header.encode() + np.array(words, "<u4").tobytes())
    return path


def words16(path: Path, *words: int, header: str = "% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n") -> Path:
    """A .raw of 16-bit words as given."""
    path.write_bytes(header.encode() + np.array(words, "<u2").tobytes())
    return path
