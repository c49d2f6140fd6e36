"""One volley of spikes at the beginning."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, number, still, within


@dataclass(frozen=True)
class Single:
    """The sample's largest values spike once, at the first step: x[0] = 1 where v > q, q the quantile 1 - sparsity.

    Args:
        sparsity: share of the places that spike, 0 to 1.

    Raises:
        UserError: sparsity is out of range; when called: a series, or a value that is not finite.
    """

    sparsity: float = 0.5

    def __post_init__(self):
        number("Single", "sparsity", self.sparsity, "share of the places", 0.0, 1.0)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape).

        Raises:
            UserError: the values are a series, or one is not finite.
        """
        v = within("Single", still("Single", values))
        quantile = torch.quantile(v.flatten(1), 1 - self.sparsity, dim=1)
        out = torch.zeros(steps, *v.shape)
        out[0] = (v > quantile.view(-1, *[1] * (v.dim() - 1))).float()
        return out
