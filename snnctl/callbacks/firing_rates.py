"""Firing rate of each spiking layer, logged every epoch, and a warning while it can still be mended."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from snnctl.networks.hooks import rates_only
from snnctl.regimes.watching import recomputing


class FiringRates(lightning.Callback):
    """Logs `rate/<layer>`, spikes a neuron and step, over the training samples of an epoch.

    After some batches it warns, once, of layers that are dead or saturated, and says what to change.

    Args:
        after_batches: batches before the warning.
        dead: spikes a neuron and step below which a layer counts as dead.
        saturated: spikes a neuron and step above which it counts as saturated.
    """

    def __init__(self, after_batches: int = 50, dead: float = 1e-3, saturated: float = 0.9):
        self.after_batches = after_batches
        self.dead = dead
        self.saturated = saturated
        self._sums: dict[str, tuple[Tensor, Tensor]] = {}  # spikes a neuron, and steps, of all samples; float64
        self._length: Tensor | None = None
        self._valid: dict[tuple, tuple[Tensor, Tensor]] = {}  # of the batch
        self._hooks: list[Any] = []

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        layers = getattr(pl_module.network, "temporal_layers", dict)()
        for name, layer in layers.items():
            if getattr(layer, "spiking", False):
                hook = self._count(name, pl_module)
                self._hooks.append(layer.register_forward_hook(hook, with_kwargs=True))

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _count(self, name: str, pl_module: lightning.LightningModule) -> Any:
        def hook(layer: torch.nn.Module, args: Any, given: dict[str, Any], output: tuple[Tensor, Any]) -> None:
            if not layer.training or self._length is None or recomputing():
                return
            with torch.no_grad():
                spikes = output[0].detach().mean(tuple(range(2, output[0].dim())))  # no copy of channels-last maps
                if (pool := given.get("pool")) is not None and not pool.mean:
                    spikes = spikes / pool.size**2
                valid, steps = self._steps(*spikes.shape, getattr(pl_module, "chunk_start", 0), spikes.device)
                before = self._sums.get(name) or (torch.zeros_like(steps),) * 2
                new = (spikes * valid).sum(), steps
                self._sums[name] = tuple(b.to(n.device) + n for b, n in zip(before, new, strict=True))

        return rates_only(hook)

    def _steps(self, steps: int, batch: int, start: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Which of the steps from `start` on are no padding, (T, B), and how many are; the same for all layers."""
        key = steps, batch, start, device
        if key not in self._valid:
            valid = torch.arange(start, start + steps, device=device)[:, None] < self._length.to(device)
            valid = valid.expand(steps, batch)  # one length may stand for all
            self._valid[key] = valid, valid.sum().double()
        return self._valid[key]

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._sums = {}

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._length, self._valid = batch.length, {}
        if batch_idx == self.after_batches and trainer.current_epoch == 0:
            self._warn()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._length = None

    def _warn(self) -> None:
        for name, rate in self.rates().items():
            if rate < self.dead:
                state, mend = "dead", "Lower neuron.threshold, raise neuron.tau_mem"
            elif rate > self.saturated:
                state, mend = "saturated", "Raise neuron.threshold, lower neuron.tau_mem"
            else:
                continue
            rank_zero_warn(
                f"layer {name} is {state}: {rate:.2g} spikes a neuron and step over the first {self.after_batches} "
                f"batches. {mend}, or set regime.init_rates=[0.02,0.2]"
            )

    def rates(self) -> dict[str, float]:
        """Spikes a neuron and step of each layer, over what was counted so far, in all processes."""
        if not self._sums:
            return {}
        sums = torch.stack([torch.stack(counted) for counted in self._sums.values()])
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(sums)
        return {name: float(s / n) for name, (s, n) in zip(self._sums, sums.tolist(), strict=True)}

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        for name, rate in self.rates().items():
            pl_module.log(f"rate/{name}", rate, batch_size=1)

    def running_state(self) -> dict[str, Tensor]:
        return {name: torch.stack(counted).cpu() for name, counted in self._sums.items()}

    def load_running_state(self, state: dict[str, Tensor]) -> None:
        self._sums = {name: tuple(counted) for name, counted in state.items()}
