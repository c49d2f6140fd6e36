"""What a file of events holds once it is decoded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Decoded(NamedTuple):
    """Events of one file.

    Args:
        events: (n,) array of EVENT, checked, n > 0.
        sensor: (height, width) in pixels as the file's header tells it; None where it does not.
    """

    events: np.ndarray
    sensor: tuple[int, int] | None
