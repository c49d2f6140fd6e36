"""The loader: batches in an order that follows from (seed, epoch), resumable, with any number of workers."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from snnctl.config.processes import end_with
from snnctl.datasets.batch import Batch
from snnctl.datasets.draws import generator
from snnctl.errors import UserError


class Loader:
    """An iterable of Batch.

    Training (`shuffle`): epoch e visits the samples in the order drawn from (seed, e). With several processes each gets
    every world-th sample; the order is wrapped around its end until all have equally many, so a few samples may be seen
    twice in an epoch. Evaluation: the order is the samples' own, epoch is always 0, and every sample is seen exactly
    once over all processes, so some may have one batch fewer.

    Args:
        batches: EventBatches or ValueBatches.
        index: sample numbers within the part.
        batch_size: samples a batch and process; the last one of an epoch may be smaller.
        shuffle: training or evaluation, see above.
        seed: of the order.
        num_workers: processes that read and augment; 0 does it here, which is the fastest for events without slow
            augmentation.

    Attributes:
        epoch: which epoch the next iteration runs; set by `set_epoch`.
        batch: batches handed out in this epoch: k while the k-th is in use, 0 once the epoch is over.
    """

    def __init__(self, batches, index, batch_size: int, shuffle: bool = False, seed: int = 0, num_workers: int = 0):
        self.batches = batches
        self.index = np.asarray(index, np.int64)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.num_workers = num_workers
        self.epoch = 0
        self.batch = 0
        self._resumed = False
        self._workers: DataLoader | None = None

    batch_sampler = None  # Lightning looks for it where there is a sampler

    @property
    def sampler(self) -> Loader:
        """Itself: Lightning calls `loader.sampler.set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; another one than that of a loaded state starts at its beginning."""
        if epoch != self.epoch:
            self.epoch, self.batch, self._resumed = epoch, 0, False

    def keep(self, count: int) -> Loader:
        """Itself, with `count` samples spread evenly over its own; all where there are fewer. A part is often sorted by
        class, and its first samples would all be of one.
        """
        there = len(self.index)
        if count < there:
            self.index = self.index[np.arange(count) * there // count]
        return self

    def state_dict(self) -> dict[str, int]:
        """Where it stands: {"epoch", "batch"}."""
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind batch number `batch` of `epoch` at the next iteration."""
        self.epoch, self.batch, self._resumed = state["epoch"], state["batch"], True

    def __len__(self) -> int:
        """Batches an epoch, of this process."""
        rank, world = _place()
        own = math.ceil(len(self.index) / world) if self.shuffle else len(range(rank, len(self.index), world))
        return math.ceil(own / self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """The sample numbers of this process in `epoch`, in order."""
        rank, world = _place()
        order = self.index
        if self.shuffle and len(order):
            order = order[generator(self.seed, epoch, -1, "order").permutation(len(order))]
            order = np.resize(order, math.ceil(len(order) / world) * world)
        return order[rank::world]

    def __iter__(self) -> Iterator[Batch]:
        # a generator: epoch and batch are read at the first next(), after whoever iterates has set them
        epoch = self.epoch if self.shuffle else 0
        order = self.order(epoch)
        start = self.batch if self._resumed and self.shuffle else 0
        self._resumed = False
        cuts = [order[i : i + self.batch_size] for i in range(start * self.batch_size, len(order), self.batch_size)]
        batches = self._here(epoch, cuts) if self.num_workers == 0 else self._by_workers(epoch, cuts)
        for number, batch in enumerate(batches, start + 1):
            self.batch = number
            yield batch
        self.batch = 0

    def _here(self, epoch, cuts):
        def made(cut):
            return self.batches.finish(self.batches.gather(epoch, cut))

        if torch.get_num_threads() == 1:
            yield from map(made, cuts)
            return
        with ThreadPoolExecutor(1, "snnctl-loader") as thread:  # while one batch is in use, the next is made
            ahead = deque()
            for cut in cuts:
                ahead.append(thread.submit(made, cut))
                if len(ahead) > 1:
                    yield ahead.popleft().result()
            if ahead:
                yield ahead.popleft().result()

    def _by_workers(self, epoch, cuts):
        if self._workers is None:
            if len(self.index):  # kernels are compiled before the workers are forked, not once in each
                self.batches.finish(self.batches.gather(0, self.index[:1]))
            self._workers = DataLoader(
                _Gatherer(self.batches),
                batch_size=None,
                sampler=[],
                collate_fn=_as_it_is,
                num_workers=self.num_workers,
                worker_init_fn=_end_with_this_process(),
                persistent_workers=True,
                generator=torch.Generator(),  # else it would draw from torch's own, and dropout would depend on workers
            )
            self._plan = self._workers.sampler
        self._plan[:] = [(epoch, cut) for cut in cuts]
        for own in self._workers:
            if isinstance(own, UserError):
                raise own
            yield self.batches.finish(own)

    def __getstate__(self):
        return self.__dict__ | {"_workers": None, "_plan": None}


class _Gatherer(Dataset):
    """What a worker runs. A UserError is handed over as a value: raised, it would arrive as a traceback's text."""

    def __init__(self, batches):
        self.batches = batches

    def __getitem__(self, item):
        try:
            return self.batches.pack(self.batches.gather(*item))
        except UserError as error:
            return error


def _as_it_is(item):
    return item


def _end_with_this_process():
    """For a worker to call first: a killed training must not leave it behind, at a pipe that its siblings hold open."""
    if threading.current_thread() is not threading.main_thread():
        return None  # the system would end the workers with the thread
    return partial(_end_with, os.getpid())


def _end_with(parent: int, worker: int) -> None:
    end_with(parent, signal.SIGKILL)


def _place() -> tuple[int, int]:
    """This process's rank, and how many there are."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
