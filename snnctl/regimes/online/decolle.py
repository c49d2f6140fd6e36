"""DECOLLE: deep continuous local learning."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from snnctl.errors import number
from snnctl.regimes.online.stages import Run, stages
from snnctl.regimes.online.streaming import Criterion
from snnctl.regimes.online.traced import Traced


class DECOLLE(Traced):
    """Every layer has a readout of its own, random and fixed, and the loss of that readout; none hears of another's.

        l_i[t] = G_i^T dL(G_i out_i[t]) / dy,   dL / dW_i = sum_t d_i[t] a_i[t]^T,   a as in `Traced`

    The last layers, which give the network's output, learn from its loss.

    Args:
        local_weight: factor of the hidden layers' losses.
        others: as in `Traced`.

    Raises:
        UserError: local_weight is out of range; a loss that is no mean over steps where a sequence is longer than a
            chunk.

    Source: J. Kaiser, H. Mostafa, E. Neftci, "Synaptic plasticity dynamics for deep continuous local learning
    (DECOLLE)", Frontiers in Neuroscience 14 (2020), doi:10.3389/fnins.2020.00424.
    """

    def __init__(self, *args: Any, local_weight: float = 1.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.local_weight = number("regime.local_weight =", local_weight, "no unit", 0.0, math.inf, True)
        if self.streams and not self.loss.stepwise:
            raise self.wrong(
                f"{type(self.loss).__name__} is known at the end of a sequence, a layer's own at each step",
                "choose         loss=per_step, or regime.chunk of a whole sequence",
            )
        classes = self.network.shape_out[-1]
        for stage in stages(self.network, "DECOLLE")[:-1]:
            size = torch.Size(stage.shape).numel()
            bound = 1 / math.sqrt(size)
            readout = torch.empty(classes, size).uniform_(-bound, bound)
            self.register_buffer(f"readout_{stage.name.replace('.', '_')}", readout)

    def signal_below(self, here: Run, delta: Tensor) -> None:
        return None

    def heard(self, here: Run, signal: Tensor | None, criterion: Criterion) -> Tensor:
        if signal is not None:  # of the network's own output
            return signal
        readout = getattr(self, f"readout_{here.stage.name.replace('.', '_')}")
        y = here.out.detach().flatten(2) @ readout.t()
        return (self.local_weight * criterion(y, local=True) @ readout).view_as(here.out)
