"""Stops a run whose loss is no number any more, and says where it began."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from snnctl.callbacks.checkpoint import Checkpoint
from snnctl.errors import UserError
from snnctl.regimes.watching import short


class StopOnNonFinite(lightning.Callback):
    """Ends training at the first loss that is NaN or infinite, before the step would spoil the weights.

    The last checkpoint, written before, stays good.
    """

    def on_before_backward(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: Tensor
    ) -> None:
        if not torch.isfinite(loss):
            batch = self._batch
            where = first_nonfinite(pl_module, batch)
            raise UserError(
                f"the loss is {loss.item()} in epoch {trainer.current_epoch}, step {trainer.global_step}: {where}",
                f"{_kept(trainer)}. Lower optimizer.lr, set trainer.gradient_clip_val=1, "
                "or look at the data   snnctl data preview",
            )

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._batch = batch


def _kept(trainer: lightning.Trainer) -> str:
    folders = [c.folder for c in trainer.callbacks if isinstance(c, Checkpoint)]
    if any((folder / name).exists() for folder in folders for name in ("last.ckpt", "best.ckpt")):
        return "the last good checkpoint is kept"
    return "no checkpoint has been written yet"


def first_nonfinite(pl_module: lightning.LightningModule, batch: Any) -> str:
    """Say which input, weight or layer holds the first value that is no number."""
    if isinstance(batch.x, Tensor) and not torch.isfinite(batch.x).all():
        return "the input of this batch is not finite"
    for name, parameter in pl_module.network.named_parameters():
        if not torch.isfinite(parameter).all():
            return f"weights of layer {short(name.rsplit('.', 1)[0])} ({short(name)}) are not finite"
    found: list[str] = []

    def hook(name: str) -> Any:
        def look(module: torch.nn.Module, args: Any, output: Any) -> None:
            tensors = [t for t in pytree.tree_leaves(output) if isinstance(t, Tensor) and t.is_floating_point()]
            if not found and not all(torch.isfinite(t).all() for t in tensors):
                found.append(name)

        return look

    hooks = [m.register_forward_hook(hook(n)) for n, m in pl_module.network.named_modules() if n]
    with torch.no_grad():
        pl_module.network(batch.x)
    for h in hooks:
        h.remove()
    return (
        f"it first appears in the output of layer {short(found[0])}" if found else "it first appears in the loss itself"
    )
