"""Addressed randomness: every draw of the data is a function of (seed, epoch, sample index, purpose)."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.random.bit_generator import ISeedSequence

_WORD = (1 << 64) - 1


class _Key(ISeedSequence):
    """A key given as it is; without a seed sequence, Philox would ask the system for entropy only to discard it."""

    def __init__(self, key: np.ndarray):
        self.key = key

    def generate_state(self, n_words: int, dtype=np.uint64) -> np.ndarray:
        """The key."""
        return self.key


@lru_cache(maxsize=256)
def _word(purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")


def generator(seed: int, epoch: int, index: int, purpose: str) -> np.random.Generator:
    """A generator of its own for one address; the same address gives the same draws on any machine and worker.

    Philox-4x64 is counter based (Salmon et al. 2011, doi:10.1145/2063384.2063405): the key is (seed, purpose), the two
    high words of the counter are (index, epoch), so streams never overlap within 2^128 draws.

    Args:
        seed: the run's seed.
        epoch: training epoch; evaluation always uses 0.
        index: the sample's number within its part; -1 for what concerns a whole epoch, such as its order.
        purpose: what is drawn ("order", "augment", ...), so that one use never shifts another's draws.
    """
    counter = np.array([0, 0, index & _WORD, epoch & _WORD], dtype=np.uint64)
    key = np.array([seed & _WORD, _word(purpose)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(_Key(key), counter=counter))


def uniforms(seed: int, epoch: int, index: np.ndarray, purpose: str) -> np.ndarray:
    """The first two of `generator(seed, epoch, i, purpose).random()` for every i of `index`: (n, 2) float64."""
    out = np.empty((len(index), 2))
    _uniforms(
        np.uint64(seed & _WORD), np.uint64(_word(purpose)), np.uint64(epoch & _WORD), index.astype(np.uint64), out
    )
    return out


@njit(cache=True, nogil=True)
def _uniforms(key0, key1, epoch, index, out):
    """Philox-4x64-10 as numpy has it: the counter's first block is 1, a double is the upper 53 bits of a word."""
    for i in range(index.size):
        a, b, c, d, k0, k1 = np.uint64(1), np.uint64(0), index[i], epoch, key0, key1
        for _ in range(10):
            high0, high1 = _high(np.uint64(0xD2E7470EE14C6C93), a), _high(np.uint64(0xCA5A826395121157), c)
            low0, low1 = np.uint64(0xD2E7470EE14C6C93) * a, np.uint64(0xCA5A826395121157) * c
            a, b, c, d = high1 ^ b ^ k0, low1, high0 ^ d ^ k1, low0
            k0, k1 = k0 + np.uint64(0x9E3779B97F4A7C15), k1 + np.uint64(0xBB67AE8584CAA73B)
        out[i, 0] = np.float64(a >> np.uint64(11)) * 2.0**-53
        out[i, 1] = np.float64(b >> np.uint64(11)) * 2.0**-53


@njit(cache=True, nogil=True)
def _high(x, y):
    """The upper 64 bits of the product of two uint64."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    x0, x1, y0, y1 = x & mask, x >> half, y & mask, y >> half
    middle = x1 * y0 + ((x0 * y0) >> half)
    return x1 * y1 + (middle >> half) + (((middle & mask) + x0 * y1) >> half)
