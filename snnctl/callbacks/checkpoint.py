"""Checkpoints from which a killed run goes on as if it had not been killed."""

from __future__ import annotations

import random
import signal
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from safetensors.torch import save as safetensors_bytes

from snnctl import atomic
from snnctl.errors import Interrupted, UserError, did_you_mean
from snnctl.objective import falls

KEY = "snnctl"
LENGTHS = ("total_steps", "T_max")  # of a schedule over the whole run


class Checkpoint(lightning.Callback):
    """Writes last.ckpt at every epoch's end and every few minutes inside one, best.ckpt when the objective improves.

    last.ckpt is taken at the one moment when nothing is half done: before a batch, with no gradient accumulated.
    Beside Lightning's own state it holds, per process, torch's, numpy's and Python's random state and the running
    sums of the epoch, and the rows of metrics.csv; so the resumed run's weights and metrics equal the other's
    bit for bit. Ctrl-C and SIGTERM (a cluster's time limit) are served at the same moment.

    Args:
        every_minutes: minutes between checkpoints inside an epoch.
        monitor: the metric that best.ckpt is chosen by; of a loss or a cost less is better.
        folder: where the files go; set by the command.

    Raises:
        UserError: nothing is logged under the monitor's name, known once the first validation or epoch has ended.
    """

    def __init__(self, every_minutes: float = 5.0, monitor: str = "val/acc", folder: str | Path = "checkpoints"):
        self.every_minutes = every_minutes
        self.monitor = monitor
        self.folder = Path(folder)
        self.best: float | None = None
        self._asked_to_stop = 0  # the signal that asked
        self._lengths: list[dict[str, Any]] = []  # of the schedules in a loaded checkpoint
        self._resumed: dict[str, Any] | None = None
        self._moment = ""
        self._old_handlers: dict[int, Any] = {}
        self._written = 0.0

    # -- when ------------------------------------------------------------------------------------------------

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._written = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        # Here, because Lightning sets its own handlers after on_fit_start; only the main thread may.
        if threading.current_thread() is threading.main_thread():
            self._old_handlers = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        # Not left to Lightning: it forgets the loader's state when a schedule asked for the number of steps.
        loader = trainer.train_dataloader
        if self._resumed is not None and "loader" in self._resumed and hasattr(loader, "load_state_dict"):
            loader.load_state_dict(self._resumed["loader"])
        for schedule, kept in zip((c.scheduler for c in trainer.lr_scheduler_configs), self._lengths, strict=False):
            _stretch(schedule, kept, trainer.is_global_zero)
        self._lengths = []

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._asked_to_stop:
            raise Interrupted("stopped at once, without a new checkpoint", signal=number)
        self._asked_to_stop = number

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._give_back_signals()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._give_back_signals()

    def _give_back_signals(self) -> None:
        while self._old_handlers:
            signal.signal(*self._old_handlers.popitem())

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._resumed is not None:
            self._go_on(trainer, pl_module, self._resumed)
            self._resumed = None
            return
        if batch_idx % trainer.accumulate_grad_batches:
            return
        new_epoch = batch_idx == 0 and trainer.current_epoch > 0
        if new_epoch:
            self._check_monitor(trainer)
        due = time.monotonic() - self._written >= 60 * self.every_minutes and trainer.global_step > 0
        stop, due = _decide(trainer, self._asked_to_stop, due)
        if new_epoch or due or stop:
            self.save(trainer, "last.ckpt", "batch")
        if stop:
            name = "Ctrl-C" if stop == signal.SIGINT else signal.Signals(stop).name
            raise Interrupted(f"stopped by {name}; a checkpoint was written", signal=stop)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if not self.monitor.startswith("train/"):  # logged when the epoch is over
            self._check_monitor(trainer)
        value = trainer.callback_metrics.get(self.monitor)
        if trainer.sanity_checking or trainer.fast_dev_run or value is None:
            return
        value = -float(value) if falls(self.monitor) else float(value)
        if self.best is None or value > self.best:
            self.best = value
            self.save(trainer, "best.ckpt")
            self._write_weights(trainer, pl_module)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.fast_dev_run:
            return
        self.save(trainer, "last.ckpt", "end")
        self._check_monitor(trainer)
        if self.best is None:
            self._write_weights(trainer, pl_module)

    def _check_monitor(self, trainer: lightning.Trainer) -> None:
        """Whether something is logged under the monitor's name; val, test and train log the same names, in turn."""
        there = set(trainer.callback_metrics)
        stage, _, name = self.monitor.rpartition("/")
        logged = {n.partition("/")[2] for n in there}
        if not there or self.monitor in there or (stage in ("train", "val", "test") and name in logged):
            return
        raise UserError(
            f"objective={self.monitor}: no metric has this name",
            f"{did_you_mean(self.monitor, there)}\nthere are      {', '.join(sorted(there))}",
        )

    @property
    def best_value(self) -> float | None:
        """The best value of the monitored metric so far, None if it was never measured."""
        if self.best is None:
            return None
        return -self.best if falls(self.monitor) else self.best

    # -- what ------------------------------------------------------------------------------------------------

    def save(self, trainer: lightning.Trainer, name: str, moment: str = "validation") -> None:
        """Write a checkpoint; every process must call it.

        Args:
            moment: `batch` before a batch, `end` after the last epoch, `validation` otherwise.
        """
        self._moment = moment
        trainer.save_checkpoint(self.folder / name)
        if moment != "validation":
            self._written = time.monotonic()

    def _write_weights(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.is_global_zero:
            network = getattr(pl_module, "network", pl_module)
            tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
            memory = Counter(t.untyped_storage().data_ptr() for t in tensors.values())
            # Layers of a NIR graph may share a weight, and a file of safetensors has every tensor by itself.
            tensors = {k: t.clone() if memory[t.untyped_storage().data_ptr()] > 1 else t for k, t in tensors.items()}
            atomic.write(self.folder.parent / "weights.safetensors", lambda f: f.write(safetensors_bytes(tensors)))

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        running = {} if self._moment == "end" else {n: o.running_state() for n, o in _running(trainer, pl_module)}
        ranks = [{"random": random_state(), "running": running}]
        if trainer.world_size > 1:
            ranks = ranks * trainer.world_size
            torch.distributed.all_gather_object(ranks, ranks[0])
        loggers = {str(i): log.state_dict() for i, log in enumerate(trainer.loggers) if hasattr(log, "state_dict")}
        stepped = trainer.fit_loop.epoch_loop._batches_that_stepped
        checkpoint[KEY] = {"ranks": ranks, "stepped": stepped, "loggers": loggers}
        if self._moment == "end":
            _ready_for_next_epoch(checkpoint["loops"]["fit_loop"])
        elif self._moment == "batch":
            checkpoint[KEY]["loader"] = {"epoch": trainer.current_epoch, "batch": trainer.fit_loop.epoch_loop.batch_idx}
        checkpoint["loops"]["fit_loop"]["state_dict"].pop("combined_loader", None)  # counts the batch at hand as done

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._resumed = kept = checkpoint.get(KEY)
        # A schedule over the whole run keeps the length that this run has: it may have been given more epochs.
        states = checkpoint.get("lr_schedulers", [])
        self._lengths = [{name: state.pop(name) for name in LENGTHS if name in state} for state in states]
        for state in states:
            state.pop("_schedule_phases", None)  # of one cycle, follows from the length
        for i, log in enumerate(trainer.loggers):
            if kept and str(i) in kept["loggers"]:
                log.load_state_dict(kept["loggers"][str(i)])

    def _go_on(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, kept: dict[str, Any]) -> None:
        """Before the first batch after a resume: all that Lightning does not restore."""
        if len(kept["ranks"]) != trainer.world_size:
            raise UserError(
                f"the run was trained by {len(kept['ranks'])} processes, not {trainer.world_size}",
                f"resume it with   trainer.devices={len(kept['ranks'])}",
            )
        mine = kept["ranks"][trainer.global_rank]
        set_random_state(mine["random"])
        for name, part in _running(trainer, pl_module):
            if name in mine["running"]:
                part.load_running_state(mine["running"][name])
        trainer.fit_loop.restarting = False  # else a plateau schedule would miss the end of this epoch
        loop = trainer.fit_loop.epoch_loop
        loop._batches_that_stepped = kept["stepped"]  # Lightning adds one for a batch that it thinks was cut short
        loop.batch_progress.total.ready = loop.batch_progress.total.completed + 1


def _running(trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> list[tuple[str, Any]]:
    """The parts that count something over an epoch: the regime and the callbacks with a `running_state`."""
    parts = [pl_module, *trainer.callbacks]
    return [(type(part).__name__, part) for part in parts if hasattr(part, "running_state")]


def _decide(trainer: lightning.Trainer, stop: int, due: bool) -> tuple[int, bool]:
    """All processes stop (with the signal's number), or save, as soon as one of them is asked to."""
    if trainer.world_size == 1:
        return stop, due
    flags = torch.tensor([stop, due], dtype=torch.int32, device=trainer.strategy.root_device)
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    return int(flags[0]), bool(flags[1])


def _stretch(schedule: Any, kept: dict[str, Any], tell: bool) -> None:
    """Where a schedule has another length than when it was saved, put the rates where the new one has them now."""
    changed = [(n, value, getattr(schedule, n)) for n, value in kept.items() if getattr(schedule, n, value) != value]
    if not changed:
        return
    if hasattr(schedule, "_get_closed_form_lr"):
        rates = schedule._get_closed_form_lr()
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch expects the question inside of step() only
            rates = schedule.get_lr()
    for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    schedule._last_lr = list(rates)
    if tell:
        _, before, now = changed[0]
        print(
            f"the learning-rate schedule is stretched from {before} to {now} steps and goes on at step "
            f"{schedule.last_epoch} with {rates[0]:.3g}",
            flush=True,
        )


def _ready_for_next_epoch(fit_loop: dict[str, Any]) -> None:
    """Make Lightning's counters after the last epoch those before a next one, so that more epochs can follow."""
    batch = fit_loop["epoch_loop.batch_progress"]
    batch["total"]["ready"] = batch["total"]["completed"] + 1
    batch["is_last_batch"] = False
    optimizer = fit_loop["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]
    for progress in (batch, fit_loop["epoch_loop.scheduler_progress"], optimizer["step"], optimizer["zero_grad"]):
        progress["current"] = dict.fromkeys(progress["current"], 0)


def random_state() -> dict[str, Any]:
    """The state of torch's, numpy's and Python's generators, in tensors and plain values only."""
    name, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest],
        "python": [version, torch.tensor(words, dtype=torch.int64), gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put the generators back into a state that `random_state` gave."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
