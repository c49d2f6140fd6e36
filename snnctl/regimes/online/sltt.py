"""SLTT: spatial learning through time."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from snnctl.regimes.online.layered import Layered
from snnctl.regimes.online.stages import Run


class SLTT(Layered):
    """Each step learns for itself: what neurons remember has no gradient.

        dL / dW = sum_t d[t] s[t]^T,   s: input of the layer; of recurrent weights, the outputs one step before

    No traces: nothing but the states goes from step to step. With update_every = chunk = 1 weights move at every step.

    Args:
        others: as in `Layered`.

    Source: Q. Meng et al., "Towards memory- and time-efficient backpropagation for training spiking neural networks",
    ICCV 2023, arXiv 2302.14311.
    """

    def through_time(
        self, here: Run, signal: Tensor, delta: Tensor, kept: dict[str, Any], more: bool
    ) -> dict[nn.Parameter, Tensor]:
        return here.to_weights(delta) | here.extra.get("own", {})
