"""Up and down events of channels as events of twice as many channels."""

from __future__ import annotations

import numpy as np


def signed(events: np.ndarray, channels: int) -> np.ndarray:
    """x <- p C + x, p <- 0: down events keep their channel, up events follow behind.

    Args:
        events: (n,) EVENT with x < C and p in {0, 1}; changed in place.
        channels: C.

    Returns:
        The events, of a source whose shape is (2 C,).
    """
    events["x"] += events["p"].astype(events["x"].dtype) * channels
    events["p"] = 0
    return events
