"""Many small images as one, in rows and columns with gaps between them."""

from __future__ import annotations

import numpy as np


def mosaic(tiles: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Put tiles side by side, row by row.

    Args:
        tiles: (n, H, W).
        columns: tiles in a row.
        gap: pixels between two.

    Returns:
        (rows * (H + gap) - gap, columns * (W + gap) - gap), NaN in gaps and where tiles are lacking.
    """
    n, high, wide = tiles.shape
    rows = -(-n // columns)
    image = np.full((rows * (high + gap) - gap, columns * (wide + gap) - gap), np.nan, dtype=np.float32)
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * (high + gap), (i % columns) * (wide + gap)
        image[y : y + high, x : x + wide] = tile
    return image
