"""What evaluation measures beside loss and accuracy: confusion, spike statistics, operations."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor

from snnctl.metrics import ConfusionMatrix, NeuroBench, SpikeStatistics
from snnctl.metrics.energy import estimate


class Measures(lightning.Callback):
    """Measures a network while `Trainer.test` runs it.

    Args:
        network: the Network under test.
        classes: names of the classes; None where targets are traces, which leaves no confusion.
        dt: seconds a step.

    Attributes:
        confusion, spikes, bench: the filled metrics, after the test.
    """

    def __init__(self, network: torch.nn.Module, classes: tuple[str, ...] | None, dt: float):
        self.confusion = None if classes is None else ConfusionMatrix(classes)
        self.spikes = SpikeStatistics(dt)
        self.bench = NeuroBench(network)
        self._layers = {n: m for n, m in network.temporal_layers().items() if getattr(m, "spiking", False)}
        self._hooks: list[Any] = []
        self._trains: dict[str, Tensor] = {}

    def on_test_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.bench.__enter__()
        for name, layer in self._layers.items():
            self._hooks.append(layer.register_forward_hook(self._keep(name)))

    def _keep(self, name: str) -> Any:
        def hook(layer: torch.nn.Module, args: Any, output: tuple[Tensor, Any]) -> None:
            self._trains[name] = output[0]

        return hook

    def on_test_batch_start(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.bench.begin(batch.x, batch.length)

    def on_test_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Tensor,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.confusion is not None:
            self.confusion.update(outputs, batch.target)
        self.spikes.update(self._trains, batch.length)
        self._trains = {}

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.bench.__exit__()
        for hook in self._hooks:
            hook.remove()

    def results(self) -> dict[str, Any]:
        """Plain values for results.json: `classes`, `confusion`, `spikes` by layer, `neurobench`, `energy`."""
        bench, confusion = self.bench.result(), {}
        if self.confusion is not None:
            rows = [row._asdict() for row in self.confusion.rows()]
            confusion = {"classes": rows, "confusion": self.confusion.counts.tolist()}
        return {
            **confusion,
            "spikes": [row._asdict() for row in self.spikes.rows()],
            "neurobench": {**bench._asdict(), "layers": [row._asdict() for row in bench.layers]},
            "energy": estimate(bench.effective_acs, bench.effective_macs),
        }
