"""Padding by name as padding in numbers, alike on both sides of a map, as every reader of NIR has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from snnctl.errors import UserError


def in_numbers(
    title: str, weight: ndarray, padding: str | int | Sequence[int], dilation: Sequence[int]
) -> tuple[ndarray, tuple[int, ...]]:
    """Kernels and padding that compute the same, with a number of zeros on both sides of each axis.

    "same" puts the odd one of an odd number of zeros behind the map; a kernel with a first row of zeros and one more
    zero on either side sees the same.

    Args:
        title: of the layer, for messages.
        weight: kernels (C', C, *sides).
        padding: zeros, or "same" or "valid".
        dilation: of each axis.

    Raises:
        UserError: an even kernel with "same" and a dilation above 1, which has no such form.
    """
    sides = weight.shape[2:]
    if not isinstance(padding, str):
        return weight, tuple(int(p) for p in np.broadcast_to(padding, len(sides)))
    if padding == "valid":
        return weight, (0,) * len(sides)
    zeros = []
    for axis, (side, step) in enumerate(zip(sides, dilation, strict=True)):
        total = step * (side - 1)
        if total % 2:
            if step != 1:
                raise UserError(
                    f"{title}: padding same of a kernel of {side} with dilation {step} is not alike on both sides",
                    "give   an odd kernel_size, or padding in numbers",
                )
            row = [(0, 0)] * weight.ndim
            row[2 + axis] = (1, 0)
            weight = np.pad(weight, row)
            total += 1
        zeros.append(total // 2)
    return weight, tuple(zeros)
