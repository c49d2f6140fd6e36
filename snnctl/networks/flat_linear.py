"""A linear layer on maps in channels-last memory, which are not brought into another order for it."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.networks.kernel_linear import pays


class FlatLinear(NamedTuple):
    """y = W flatten(x) + b, where W's columns are brought into the order of x's memory: pixels, then channels.

    Args:
        linear: behind a flatten; its weight and bias are used, not copied.
    """

    linear: nn.Linear

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, features)."""
        weight = self.linear.weight.unflatten(1, x.shape[1:]).permute(0, 2, 3, 1).flatten(1)
        x = x.permute(0, 2, 3, 1).flatten(1)
        if pays(x, self.linear, spikes=False):
            from snnctl.kernels.linear import linear

            return linear(x, weight, self.linear.bias)
        return F.linear(x, weight, self.linear.bias)


def flattens_free(x: Tensor, linear: nn.Linear) -> bool:
    """Whether x (T, B, C, H, W) is in channels-last memory, and larger than the weight that would be reordered."""
    if x.dim() != 5 or x.stride(2) != 1 or x.is_contiguous() or x.shape[0] * x.shape[1] < 2 * linear.out_features:
        return False
    return x.flatten(0, 1).permute(0, 2, 3, 1).is_contiguous()
