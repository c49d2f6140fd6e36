"""Addressed randomness: every draw of the data is a function of (seed, epoch, sample index, purpose)."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
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
