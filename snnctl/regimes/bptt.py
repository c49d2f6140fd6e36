"""Backpropagation through time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import checkpoint

from snnctl.datasets.batch import Batch, dense
from snnctl.errors import UserError
from snnctl.regimes.beginning import scale_rates
from snnctl.regimes.quantized import Quantized
from snnctl.regimes.robust import Robust
from snnctl.regimes.supervised import Supervised
from snnctl.regimes.watching import Watch
from snnctl.targets.target import SCALED_BY, Target


class BPTT(Supervised):
    """The gradient of the loss through all steps, spikes replaced by their surrogate in backward.

    Args:
        truncate: steps after which the gradient through time is cut (Williams, Peng 1990,
            doi 10.1162/neco.1990.2.4.490); None: never.
        recompute: steps of a chunk whose activations are computed again in backward instead of kept
            (Chen et al. 2016, arXiv 1604.06174): memory of T / recompute states and one chunk; None: keep all. The
            gradient is the same, but for a batch norm, which takes its statistics over each chunk.
        regularizers: name -> penalty, called with what it reads (snnctl/losses/regularizers.py) and length (B,).
        robust: trains for parameters that are wrong.
        quantize: trains, and is validated and tested, in the numbers of this target; a configuration gives its name.
        others: as in `Supervised`.

    Source: Neftci, Mostafa, Zenke 2019, doi 10.1109/MSP.2019.2931595.
    """

    takes_traces = True

    def __init__(
        self,
        *args: Any,
        truncate: int | None = None,
        recompute: int | None = None,
        regularizers: dict[str, Callable[..., Tensor]] | None = None,
        init_rates: tuple[float, float] | None = None,
        robust: Robust | None = None,
        quantize: Target | str | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        for name, value in (("truncate", truncate), ("recompute", recompute)):
            if value is not None and value < 1:
                raise UserError(f"regime.{name} = {value}", "steps, 1 or more; null for none")
        self.truncate = truncate
        self.recompute = recompute
        self.regularizers = dict(regularizers or {})
        self.init_rates = init_rates
        self.chunk_start = 0  # first step of the chunk that the network is running
        self.robust = robust
        self.quantize = None if quantize is None else Quantized(quantize)
        for name, other in (("truncate", truncate), ("recompute", recompute), ("robust", robust)):
            if quantize is not None and other is not None:
                raise UserError(f"regime.quantize and regime.{name} exclude each other", f"set   regime.{name}=null")
        self._watch = Watch(self.network, {_reads(r) for r in self.regularizers.values()})

    def on_fit_start(self) -> None:
        scale_rates(self, self.init_rates)

    def on_validation_start(self) -> None:
        self._settle()

    def on_test_start(self) -> None:
        self._settle()

    def on_validation_end(self) -> None:
        self._release()

    def on_test_end(self) -> None:
        self._release()

    def _settle(self) -> None:
        if self.quantize is not None:
            batch = self.trainer.strategy.batch_to_device(self.trainer.datamodule.some("train", SCALED_BY))
            self.quantize.settle(self.network, dense(batch.x))

    def _release(self) -> None:
        if self.quantize is not None:
            self.quantize.release()

    def outputs(self, batch: Batch) -> Tensor:
        self._watch.begin(len(batch.index))
        if self.quantize is not None:
            return self.quantize.run(self.network, batch.x)
        run = self.network if self.robust is None else self.robust.mismatched(self.network)
        x, state, outs = batch.x, None, []
        if self.truncate is None and self.recompute is None:
            return run(x)[0]
        x = dense(x)
        step = min(n for n in (self.truncate, self.recompute) if n is not None)
        for start in range(0, x.shape[0], step):
            if self.truncate is not None and start and start % self.truncate < step:
                state = pytree.tree_map_only(Tensor, Tensor.detach, state)
            self.chunk_start = start
            out, state = self._chunk(run, x[start : start + step], state)
            outs.append(out)
        self.chunk_start = 0
        return torch.cat(outs)

    def forward(self, batch: Batch) -> Tensor:
        """The readout over time, (T, B, C), as evaluation sees it: by the target's numbers where it quantizes."""
        return super().forward(batch) if self.quantize is None else self.quantize.run(self.network, batch.x)

    def _chunk(self, run: Callable[..., Any], x: Tensor, state: Any) -> tuple[Tensor, Any]:
        if self.recompute is None:
            return run(x, state)
        return checkpoint(run, x, state, use_reentrant=False)

    def penalty(self, batch: Batch) -> Tensor | None:
        seen = self._watch.seen
        terms = [r(seen(_reads(r)), batch.length) for r in self.regularizers.values()]
        if self.robust is not None:
            scores = partial(self.loss.scores, length=batch.length)
            terms.append(self.robust.penalty(self.network, scores, batch.x, batch.length))
        terms = [term for term in terms if term is not None]
        self._watch.forget()
        return torch.stack(terms).sum() if terms else None


def _reads(regularizer: Callable[..., Tensor]) -> str:
    return getattr(regularizer, "reads", "spikes")
