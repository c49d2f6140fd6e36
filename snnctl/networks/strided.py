"""A convolution and the average pooling behind it as one strided convolution."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.kernels.pooling import Pooling


class StridedConv2d(NamedTuple):
    """Pooling k x k windows of a convolution with a K x K kernel w is a convolution of stride k with the kernel

        u[a, b] = 1 / k^2  sum over d, e < k of w[a - d, b - e],   a, b < K + k - 1        (the sum alone where summed)

    The large map is never made, and an output takes (K + k - 1)^2 products in place of (K k)^2: 16 for 36 at K = 3,
    k = 2.

    Args:
        conv: of stride 1; its weight and bias are used, not copied.
        pool: of its output.
    """

    conv: nn.Conv2d
    pool: Pooling

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the pooled maps."""
        k, conv = self.pool.size, self.conv
        maps = conv.weight.flatten(0, 1).unsqueeze(1)
        spread = F.conv2d(maps, maps.new_ones(1, 1, k, k), padding=k - 1)
        weight = spread.unflatten(0, conv.weight.shape[:2]).squeeze(2)
        bias = conv.bias
        if self.pool.mean:
            weight = weight / k**2
        elif bias is not None:
            bias = bias * k**2
        return F.conv2d(x, weight, bias, stride=k, padding=_padding(conv), groups=conv.groups)


def can_stride(conv: nn.Conv2d) -> bool:
    """Whether a convolution is a plain one: stride 1, no dilation, zeros around the map, alike on both sides."""
    even = conv.padding == "same" and not all(side % 2 for side in conv.kernel_size)
    return conv.stride == (1, 1) and conv.dilation == (1, 1) and conv.padding_mode == "zeros" and not even


def _padding(conv: nn.Conv2d) -> tuple[int, ...] | int:
    if conv.padding == "same":
        return tuple(side // 2 for side in conv.kernel_size)
    return 0 if conv.padding == "valid" else conv.padding
