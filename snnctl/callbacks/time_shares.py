"""Where the time of an epoch goes."""

from __future__ import annotations

import time
from typing import Any

import lightning
from torch.profiler import ProfilerActivity, profile

# What an operation of torch counts as, by how its name starts; the first that fits.
SHARES = {
    "neurons": ("_Scan", "_Recurrent"),
    "products": ("aten::convolution", "aten::mkldnn_conv", "aten::_convolution", "aten::cudnn_conv", "aten::mm",
                 "aten::bmm", "aten::addmm", "aten::mv", "aten::addmv", "_Event"),
    "pooling and norms": ("aten::avg_pool", "aten::max_pool", "aten::native_batch_norm", "aten::_batch_norm",
                          "aten::cudnn_batch_norm", "aten::native_layer_norm"),
}  # fmt: skip


class TimeShares(lightning.Callback):
    """Prints how long one epoch spent in neurons, products, pooling and norms, in the data loader, and in the rest.

    The operations are timed by torch's profiler, which slows the rest down a little; what is inside a kernel runs at
    its own speed.

    Args:
        epoch: which one is timed, from 0; later ones than the first have no compiling in them.

    Attributes:
        seconds: share -> seconds, once measured.
    """

    def __init__(self, epoch: int = 1):
        self.epoch = epoch
        self.seconds: dict[str, float] = {}
        self._profile: profile | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.current_epoch == self.epoch and trainer.is_global_zero:
            self._profile = profile(activities=[ProfilerActivity.CPU])
            self._profile.start()
            self._start = time.perf_counter()
            self.seconds = {"data": 0.0}

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._profile is not None and batch_idx == 0:  # earlier Lightning would put its own back
            self._listen(trainer.fit_loop._data_fetcher)

    def _listen(self, fetcher: Any) -> None:
        """Time each batch where Lightning's own profiler would; between two batches Lightning does other things too."""
        asked, start, stop = [0.0], fetcher._start_profiler, fetcher._stop_profiler

        def begin() -> None:
            start()
            asked[0] = time.perf_counter()

        def end() -> None:
            if self._profile is not None:
                self.seconds["data"] += time.perf_counter() - asked[0]
            stop()

        fetcher._start_profiler, fetcher._stop_profiler = begin, end

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self._profile is None:
            return
        if batch_idx + 1 == trainer.num_training_batches:
            whole = time.perf_counter() - self._start
            self._profile.stop()
            self.seconds |= dict.fromkeys(SHARES, 0.0)
            for event in self._profile.key_averages():
                share = next((s for s, names in SHARES.items() if event.key.startswith(names)), None)
                if share is not None:
                    self.seconds[share] += event.self_cpu_time_total / 1e6
            self.seconds["the rest"] = whole - sum(self.seconds.values())
            self._profile = None
            self._print(whole)

    def _print(self, whole: float) -> None:
        from snnctl.report.tables import show

        print(f"epoch {self.epoch + 1}: {whole:.1f} s in training")
        rows = [[name, f"{t:.3f}", f"{100 * t / whole:.1f}"] for name, t in self.seconds.items()]
        show(["", "s", "%"], rows, right=(1, 2))
