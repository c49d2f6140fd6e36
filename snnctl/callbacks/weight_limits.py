"""Limits that parameters keep exactly: applied after every step of the optimizer or of a learning rule."""

from __future__ import annotations

from typing import Any

import lightning
import torch

from snnctl.errors import UserError
from snnctl.losses.parameters import Patterns, chosen, limited
from snnctl.regimes.watching import short


class WeightLimits(lightning.Callback):
    """Puts weights back where they may be, at the start and after every batch.

        w <- w norm / sum_i |w_i|,  over all weights into one neuron or map;  then  w <- min(max(w, low), high)

    A penalty that only pushes is a regularizer (parameter_bounds).

    Args:
        parameters: names, or patterns with *: fc.weight, *.weight. A learnable time constant is kept as its logarithm,
            lif.log_tau_mem.
        low, high: bounds, unit of the weight; None: none.
        norm: sum of the sizes of all weights into a neuron; None: left alone.

    Source: normalisation: Diehl, Cook 2015, doi 10.3389/fncom.2015.00099.

    Raises:
        UserError: low is above high, norm is not above 0, nothing is limited, no parameter has such a name.
    """

    def __init__(
        self,
        parameters: Patterns = "*.weight",
        low: float | None = None,
        high: float | None = None,
        norm: float | None = None,
    ):
        if low is None and high is None and norm is None:
            raise UserError("WeightLimits limits nothing", "give low, high or norm")
        if low is not None and high is not None and low > high:
            raise UserError(f"WeightLimits: low {low}, high {high}", "range   low <= high")
        if norm is not None and not norm > 0:
            raise UserError(f"WeightLimits: norm = {norm}", "range   above 0, unit of the weight")
        self.parameters = parameters
        self.low = low
        self.high = high
        self.norm = norm

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.apply(pl_module.network)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *batch: Any, **more: Any
    ) -> None:
        self.apply(pl_module.network)

    @torch.no_grad()
    def apply(self, network: torch.nn.Module) -> None:
        """Limit a network's parameters, in place."""
        named = {short(path): p for path, p in network.named_parameters()}
        for p in chosen(named, self.parameters).values():
            p.copy_(limited(p, self.low, self.high, self.norm))
