"""From cached recordings to one batch: gather (and augment) where workers run, bin where the training runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch

from snnctl.datasets.batch import Batch, EventList
from snnctl.datasets.binning import Bins, count_events, list_events
from snnctl.datasets.cache import Part
from snnctl.datasets.codes import decode_into, encode_into, move_into, places, planes, tables
from snnctl.datasets.draws import generator, uniforms
from snnctl.datasets.encodings import Direct
from snnctl.datasets.recording import EVENT
from snnctl.datasets.resample import resampled, steps_of
from snnctl.datasets.transforms import apply

Layout = Literal["frames", "stacked", "accumulated", "events"]
FEW = 1 << 22  # places that the moves of a transform may lead to, all listed: 16 MB


class Gathered(NamedTuple):
    """Events of a batch before binning: 6 bytes an event, which is what a worker sends.

    Args:
        t: (n,) int32; code: (n,) uint16 or uint32; first, last: (B,) int64, as `count_events` takes them.
        index: (B,) int64.
    """

    t: np.ndarray
    code: np.ndarray
    first: np.ndarray
    last: np.ndarray
    index: np.ndarray


@dataclass
class EventBatches:
    """Batches of event recordings.

    Args:
        part: the cached recordings.
        labels: (n,) int64, class of each.
        shape: of one time step in the cache.
        bins: the time bins.
        layout: "frames": x (T, B, *shape) counts. "stacked": (1, B, T * P, H, W), the bins as channels of one step.
            "accumulated": the events of all bins together, at every step (T, B, *shape), expanded without a copy.
            "events": an EventList.
        augment: random transforms of events, applied in order.
        seed: of the augmentation.
    """

    part: Part
    labels: np.ndarray
    shape: tuple[int, ...]
    bins: Bins
    layout: Layout = "frames"
    augment: Sequence[Callable] = ()
    seed: int = 0

    def gather(self, epoch: int, index: np.ndarray) -> Gathered:
        """The events of samples `index` (B,), augmented; done by workers."""
        part, first, last = self.part, self.part.offsets[index], self.part.offsets[index + 1]
        if not self.augment:
            return Gathered(part.t, part.code, first, last, index)
        counts, extent = last - first, part.extent[index]
        if len(self.augment) == 1 and getattr(self.augment[0], "choices", FEW) * math.prod(self.shape) < FEW:
            return self._moved(epoch, index, first, last, extent)
        scratch = np.empty(counts.max(), EVENT)  # one for all samples: it stays in the processor's cache
        t, code = np.empty(counts.sum(), np.int32), np.empty(counts.sum(), part.code.dtype)
        ends, n, table, size = np.zeros(len(index) + 1, np.int64), 0, places(self.shape), planes(self.shape)
        for b, i in enumerate(index):
            own = slice(first[b], last[b])
            events = scratch[: counts[b]]
            decode_into(part.t[own], part.code[own], table, events)
            rng = generator(self.seed, epoch, int(i), "augment")
            for transform in self.augment:
                events = apply(transform, events, rng)
            if n + len(events) > len(t):  # a transform has added events
                t, code = np.resize(t, 2 * (n + len(events))), np.resize(code, 2 * (n + len(events)))
            n = encode_into(events, *size, 0, extent[b], t, code, n)
            ends[b + 1] = n
        return Gathered(t[:n], code[:n], ends[:-1], ends[1:], index)

    def _moved(
        self, epoch: int, index: np.ndarray, first: np.ndarray, last: np.ndarray, extent: np.ndarray
    ) -> Gathered:
        """`gather` where one transform moves whole samples in one of a few ways: code by code, a third of the time."""
        part, transform, n = self.part, self.augment[0], (last - first).sum()
        choice = transform.choose(uniforms(self.seed, epoch, index, "augment"))
        t, code, ends = np.empty(n, np.int32), np.empty(n, part.code.dtype), np.zeros(len(index) + 1, np.int64)
        moves = tables(transform, tuple(self.shape))
        n = move_into(part.t, part.code, first, last, extent, moves, choice, t, code, ends)
        return Gathered(t[:n], code[:n], ends[:-1], ends[1:], index)

    def pack(self, gathered: Gathered) -> Gathered:
        """`gathered` cut loose from the mapped files, to be sent to another process."""
        if self.augment:
            return gathered
        cuts = [slice(a, b) for a, b in zip(gathered.first, gathered.last, strict=True)]
        last = np.cumsum(gathered.last - gathered.first)
        first = last - (gathered.last - gathered.first)
        t, code = (np.concatenate([array[cut] for cut in cuts]) for array in gathered[:2])
        return Gathered(t, code, first, last, gathered.index)

    def finish(self, gathered: Gathered) -> Batch:
        """The batch of gathered events; done where it is used."""
        t, code, first, last, index = gathered
        length = self.bins.lengths(self.part.extent[index])
        steps = self.bins.steps or int(length.max())
        edges = self.bins.edges(steps)
        samples, size = len(index), math.prod(self.shape)
        target, number = torch.from_numpy(self.labels[index]), torch.from_numpy(index)
        per_sample = self.bins.per_sample
        if self.layout == "events":
            offsets = np.empty(steps * samples + 1, np.int64)
            codes = list_events(t, code, first, last, edges, per_sample, offsets)
            x = EventList(torch.from_numpy(codes), torch.from_numpy(offsets), steps, samples, self.shape)
            return Batch(x, target, torch.from_numpy(length), number)
        if self.layout == "accumulated":
            out = np.zeros(samples * size, np.float32)
            count_events(t, code, first, last, edges[[0, -1]], per_sample, out, samples * size, size)
            x = torch.from_numpy(out).view(1, samples, *self.shape).expand(steps, samples, *self.shape)
            return Batch(x, target, torch.full((samples,), steps), number)
        out = np.zeros(steps * samples * size, np.float32)
        if self.layout == "stacked":
            count_events(t, code, first, last, edges, per_sample, out, size, steps * size)
            x = torch.from_numpy(out).view(1, samples, steps * self.shape[0], *self.shape[1:])
            return Batch(x, target, torch.ones(samples, dtype=torch.int64), number)
        count_events(t, code, first, last, edges, per_sample, out, samples * size, size)
        return Batch(torch.from_numpy(out).view(steps, samples, *self.shape), target, torch.from_numpy(length), number)


@dataclass
class ValueBatches:
    """Batches of still images and series of values.

    Args:
        part: the cached recordings.
        labels: (n,) int64, class of each.
        dt: seconds a step.
        steps: T; None when samples differ in length.
        layout: "frames" or "stacked", as of EventBatches; a still image that is not encoded stays one step.
        encoding: values to x; None: the values themselves at every step.
        augment: random transforms of values (L, *shape), applied in order.
        seed: of augmentation and encoding.
        traces: (n, L, C) float32, targets of a row each period instead of classes; None: the labels.
    """

    part: Part
    labels: np.ndarray
    dt: float
    steps: int | None
    layout: Layout = "frames"
    encoding: Callable | None = None
    augment: Sequence[Callable] = ()
    seed: int = 0
    traces: np.ndarray | None = None

    def gather(self, epoch: int, index: np.ndarray) -> Batch:
        """The whole batch of samples `index` (B,); done by workers."""
        part = self.part
        first, last, period = part.offsets[index], part.offsets[index + 1], part.period[index]
        still = bool((period == 0).all())
        length = np.full(len(index), self.steps) if still else steps_of(last - first, period, self.dt)
        length = length if self.steps is None else np.minimum(length, self.steps)
        steps = self.steps or int(length.max())
        encoding = self.encoding or Direct()
        rows = self._images(epoch, index, first) if still else self._series(epoch, index, first, last, period, steps)
        values = torch.from_numpy(rows)
        if still and self.layout == "stacked" and isinstance(encoding, Direct):
            steps = 1
        rngs = () if isinstance(encoding, Direct) else [generator(self.seed, epoch, int(i), "encoding") for i in index]
        x = encoding(values, steps, self.dt, rngs)
        if not still and not isinstance(encoding, Direct) and (length < steps).any():
            for b in np.flatnonzero(length < steps):
                x[length[b] :, b] = 0
        if self.layout == "stacked":
            x = x.transpose(0, 1).reshape(1, len(index), steps * x.shape[2], *x.shape[3:])
            length = np.ones_like(length)
        target = self.labels[index] if self.traces is None else self._traces(index, last - first, period, steps)
        return Batch(x, torch.from_numpy(target), torch.from_numpy(length), torch.from_numpy(index))

    def pack(self, gathered: Batch) -> Batch:
        """Nothing to cut loose."""
        return gathered

    def finish(self, gathered: Batch) -> Batch:
        """Nothing left to do."""
        return gathered

    def _images(self, epoch, index, first) -> np.ndarray:
        images = self.part.values[first]
        if self.augment:
            images = np.stack([self._augmented(images[b : b + 1], epoch, i)[0] for b, i in enumerate(index)])
        return (images if images.dtype == np.float32 else images.astype(np.float32) / np.float32(255))[None]

    def _series(self, epoch, index, first, last, period, steps) -> np.ndarray:
        made = []
        for b, i in enumerate(index):
            values = self._augmented(self.part.values[first[b] : last[b]], epoch, i)
            made.append(resampled(values, period[b], self.dt, steps))
        return np.stack(made, axis=1)

    def _traces(self, index, rows, period, steps) -> np.ndarray:
        own = zip(self.traces[index], rows, period, strict=True)
        return np.stack([resampled(trace[:n], seconds, self.dt, steps) for trace, n, seconds in own], axis=1)

    def _augmented(self, values, epoch, i):
        if self.augment:
            values, rng = values.copy(), generator(self.seed, epoch, int(i), "augment")
            for transform in self.augment:
                values = apply(transform, values, rng)
        return values
