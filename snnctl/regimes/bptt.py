"""Backpropagation through time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import checkpoint

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError
from snnctl.regimes.supervised import Supervised


class BPTT(Supervised):
    """The gradient of the loss through all steps, spikes replaced by their surrogate in backward.

    Args:
        truncate: steps after which the gradient through time is cut (Williams, Peng 1990,
            doi 10.1162/neco.1990.2.4.490); None: never.
        recompute: steps of a chunk whose activations are computed again in backward instead of kept
            (Chen et al. 2016, arXiv 1604.06174): memory of T / recompute states and one chunk; None: keep all.
        regularizers: name -> penalty of `spikes(dict of (T, B, ...)), length (B,)`.
        others: as in `Supervised`.

    Source: Neftci, Mostafa, Zenke 2019, doi 10.1109/MSP.2019.2931595.
    """

    def __init__(
        self,
        *args: Any,
        truncate: int | None = None,
        recompute: int | None = None,
        regularizers: dict[str, Callable[..., Tensor]] | None = None,
        init_rates: tuple[float, float] | None = None,
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
        self._spikes: dict[str, list[Tensor]] = {}
        if self.regularizers:
            for name, layer in self.network.temporal_layers().items():
                if getattr(layer, "spiking", False):
                    layer.register_forward_hook(self._keep(name))

    def _keep(self, name: str) -> Callable[..., None]:
        def hook(layer: torch.nn.Module, args: Any, output: tuple[Tensor, Any]) -> None:
            if self.training and not recomputing():
                self._spikes.setdefault(name, []).append(output[0])

        return hook

    def on_fit_start(self) -> None:
        if self.init_rates is not None and self.trainer.ckpt_path is None:
            from snnctl.networks.initialise import init_rates

            batch = next(iter(self.trainer.datamodule.train_dataloader()))
            init_rates(self.network, batch.x.to(self.device), *self.init_rates, length=batch.length)
            if self.trainer.world_size > 1:  # each process saw another batch
                for tensor in self.network.state_dict().values():
                    torch.distributed.broadcast(tensor, 0)

    def outputs(self, batch: Batch) -> Tensor:
        self._spikes.clear()
        x, state, outs = batch.x, None, []
        if self.truncate is None and self.recompute is None:
            return self.network(x)[0]
        x = x.dense() if hasattr(x, "dense") else x
        step = min(n for n in (self.truncate, self.recompute) if n is not None)
        for start in range(0, x.shape[0], step):
            if self.truncate is not None and start and start % self.truncate < step:
                state = pytree.tree_map_only(Tensor, Tensor.detach, state)
            self.chunk_start = start
            out, state = self._chunk(x[start : start + step], state)
            outs.append(out)
        self.chunk_start = 0
        return torch.cat(outs)

    def _chunk(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        if self.recompute is None:
            return self.network(x, state)
        return checkpoint(self.network, x, state, use_reentrant=False)

    def penalty(self, batch: Batch) -> Tensor | None:
        if not self.regularizers:
            return None
        spikes = {name: torch.cat(chunks) for name, chunks in self._spikes.items()}
        self._spikes.clear()
        return torch.stack([r(spikes, batch.length) for r in self.regularizers.values()]).sum()


def recomputing() -> bool:
    """Whether this forward pass is one that backward repeats, so that hooks do not count it twice."""
    return torch._C._current_graph_task_id() != -1
