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
                 "aten::bmm", "aten::addmm", "aten::mv", "aten::addmv", "_Event", "_Linear"),
    "pooling and norms": ("aten::avg_pool", "aten::max_pool", "aten::native_batch_norm", "aten::_batch_norm",
                          "aten::cudnn_batch_norm", "aten::native_layer_norm"),
}  # fmt: skip


class TimeShares(lightning.Callback):
    """Prints how long one epoch spent in neurons, products, pooling and norms, in the data loader, and in the rest.

    The first half of its batches is timed as it runs. In the second half torch's profiler times the operations, which
    slows down what is between them but not what they do; so the rest is what the first half took besides.

    Args:
        epoch: which one is timed, from 0; later ones than the first have no compiling in them.

    Attributes:
        seconds: share -> seconds of the whole epoch, once measured.
    """

    def __init__(self, epoch: int = 1):
        self.epoch = epoch
        self.seconds: dict[str, float] = {}
        self._half = 0
        self._profile: profile | None = None

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        timed = trainer.current_epoch == self.epoch and trainer.is_global_zero
        self._half = trainer.num_training_batches // 2 if timed else 0
        self._start, self._data = time.perf_counter(), 0.0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self._half and batch_idx == 0:  # earlier Lightning would put its own back
            self._listen(trainer.fit_loop._data_fetcher)
        if self._half and batch_idx == self._half:
            self._whole = time.perf_counter() - self._start
            self._profile = profile(activities=[ProfilerActivity.CPU])
            self._profile.start()

    def _listen(self, fetcher: Any) -> None:
        """Time each batch where Lightning's own profiler would; between two batches Lightning does other things too."""
        asked, start, stop = [0.0], fetcher._start_profiler, fetcher._stop_profiler

        def begin() -> None:
            start()
            asked[0] = time.perf_counter()

        def end() -> None:
            if self._profile is None:
                self._data += time.perf_counter() - asked[0]
            stop()

        fetcher._start_profiler, fetcher._stop_profiler = begin, end

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self._profile is None or batch_idx + 1 < trainer.num_training_batches:
            return
        self._profile.stop()
        of_first, of_second = (trainer.num_training_batches / n for n in (self._half, batch_idx + 1 - self._half))
        whole = self._whole * of_first
        self.seconds = {"data": self._data * of_first} | dict.fromkeys(SHARES, 0.0)
        for event in self._profile.key_averages():
            share = next((s for s, names in SHARES.items() if event.key.startswith(names)), None)
            if share is not None:
                self.seconds[share] += event.self_cpu_time_total / 1e6 * of_second
        self.seconds["the rest"] = whole - sum(self.seconds.values())
        self._profile, self._half = None, 0
        self._print(whole)

    def _print(self, whole: float) -> None:
        from snnctl.report.tables import show

        print(f"epoch {self.epoch + 1}: {whole:.1f} s in training")
        rows = [[name, f"{t:.3f}", f"{100 * t / whole:.1f}"] for name, t in self.seconds.items()]
        show(["", "s", "%"], rows, right=(1, 2))
