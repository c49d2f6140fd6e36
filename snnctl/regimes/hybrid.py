"""Hybrid training: a converted network is trained on, spike by spike."""

from __future__ import annotations

from typing import Any

from snnctl.errors import UserError
from snnctl.regimes.bptt import BPTT


class Hybrid(BPTT):
    """Backpropagation through time from the weights and thresholds of a converted ANN:

        W, threshold = snnctl convert RUN;   then W - lr dL/dW

    Data set, split, network, neurons and decoder are those of the converted run; loss, optimizer, schedule and trainer
    are the recipe's. A few epochs at a small learning rate give back what conversion lost, at few time steps most.

    Args:
        start: the run that `snnctl convert` wrote, or a checkpoint of it; read when training begins.
        others: as in `BPTT`.

    Source: N. Rathi, G. Srinivasan, P. Panda, K. Roy 2020, arXiv 2005.01807.

    Raises:
        UserError: no start.
    """

    def __init__(self, *args: Any, start: str | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not start:
            hint = "make one       snnctl convert RUN_OF_AN_ANN; then regime.start=RUN"
            raise UserError("regime.start names no converted run", hint)
        self.start = start
