"""The bytes of the serial line between a host and the board, as top.v has them."""

from __future__ import annotations

import numpy as np

REST = b"\xff"  # before each sample
MOST_SKIPPED = 127


def encoded(counts: np.ndarray) -> bytes:
    """A time step's events as bytes.

    Args:
        counts: of each input channel, (channels,), whole numbers from 0 to 127.

    Returns:
        0x00 to 0x7f: events of the next channel; 0x80 to 0xfe: the next 1 to 127 channels have none.
    """
    sent, silent = bytearray(), 0
    for count in [*counts.tolist(), None]:
        if count == 0 and silent < MOST_SKIPPED:
            silent += 1
            continue
        if silent:
            sent.append(0x7F + silent)
        silent = 0
        if count == 0:
            silent = 1
        elif count is not None:
            sent.append(int(count))
    return bytes(sent)


def decoded(received: bytes, width: int) -> np.ndarray:
    """What the board answers to a step: whole numbers of `width` bytes, lowest byte first, two's complement."""
    parts = [received[i : i + width] for i in range(0, len(received), width)]
    return np.array([int.from_bytes(part, "little", signed=True) for part in parts], dtype=np.int64)
