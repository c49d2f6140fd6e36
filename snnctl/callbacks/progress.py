"""One line an epoch, for people, log files and pipes."""

from __future__ import annotations

import time

import lightning


class EpochLines(lightning.Callback):
    """Prints `epoch  3/10  train loss 0.310 acc 91.0 %  val loss 0.200 acc 95.0 %  12.1 s` at each epoch's end."""

    def __init__(self):
        self._start: float | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._start = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        parts = [f"epoch {trainer.current_epoch + 1:>3}/{trainer.max_epochs}"]
        for stage in ("train", "val"):
            result = pl_module.tallies[stage].result()
            if "return" in result:
                parts.append(f"{stage} return {float(result['return']):.2f} in {float(result['length']):.1f} actions")
            elif "acc" in result:
                parts.append(f"{stage} loss {float(result['loss']):.4f} acc {100 * float(result['acc']):5.1f} %")
            elif "loss" in result:
                parts.append(f"{stage} loss {float(result['loss']):.4g}")
        if self._start is not None:
            parts.append(f"{time.monotonic() - self._start:.1f} s")
        if trainer.is_global_zero:
            print("  ".join(parts), flush=True)
