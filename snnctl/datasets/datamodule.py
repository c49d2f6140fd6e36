"""The data module: source, cache, splits and time bins, put together; where mistakes about time are caught."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import lightning
import numpy as np

from snnctl.datasets.batch import Batch
from snnctl.datasets.batches import EventBatches, Layout, ValueBatches
from snnctl.datasets.cache import Cache, open_or_build
from snnctl.datasets.encodings import Direct
from snnctl.datasets.facts import Facts
from snnctl.datasets.loader import Loader
from snnctl.datasets.resample import steps_of
from snnctl.datasets.source import Source
from snnctl.datasets.splits import split
from snnctl.datasets.timing import Timing, timing
from snnctl.datasets.transforms import bound
from snnctl.errors import UserError, did_you_mean, whole

LARGEST = 8 << 30  # bytes of one dense batch


class DataModule(lightning.LightningDataModule):
    """A data set, ready to train on.

    Args:
        source: called as `source(root=Path(root))`; a Source class, a partial of one, or a Source.
        root: folder that holds the set in its own layout.
        batch_size: samples a batch.
        dt: width of a time step, s. Or:
        steps: number of time steps T over the duration: dt = duration / steps.
        duration: seconds of each sample that are used: longer ones are cropped, shorter ones padded. None: what the set
            declares; if it declares none, batches are as long as their longest sample.
        binning: "fixed"; or "per_sample": T equal bins of each sample's own extent, time constants then in steps.
        layout: "frames": x (T, B, *shape). "stacked": the T bins as channels of one step, for an ANN. "accumulated":
            all events together, shown at every step, for an ANN made spiking. "events": an EventList, for event-driven
            first layers.
        transform: deterministic transforms of a recording, ours or tonic's, applied once and cached.
        augment: random transforms of training samples, ours or tonic's, drawn anew each epoch.
        encoding: for values (images, series): how they become x; None: as they are.
        val_fraction: share of the training part that validates; 0: no validation.
        test_fraction: share of the training part that tests, where the set has no test part.
        num_workers: processes that read and augment.
        on_error: a recording that cannot be read: "raise", or "skip" and name it.
        cache: folder of caches; None: $SNNCTL_CACHE, else ~/.cache/snnctl.
        seed: of split, order, augmentation and encoding.

    Raises:
        UserError: a setting is out of its range, or two contradict each other.
    """

    def __init__(
        self,
        source: Callable[..., Source] | Source,
        root: str | Path = "data",
        batch_size: int = 32,
        dt: float | None = None,
        steps: int | None = None,
        duration: float | None = None,
        binning: Literal["fixed", "per_sample"] = "fixed",
        layout: Layout = "frames",
        transform: Sequence[Callable] | Mapping[str, Callable] = (),
        augment: Sequence[Callable] | Mapping[str, Callable] = (),
        encoding: Callable | None = None,
        val_fraction: float = 0.1,
        test_fraction: float = 0.2,
        num_workers: int = 0,
        on_error: Literal["raise", "skip"] = "raise",
        cache: str | Path | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self.source = source if isinstance(source, Source) else source(root=Path(root).expanduser())
        _choice("binning", binning, ("fixed", "per_sample"))
        _choice("layout", layout, get_args(Layout))
        _choice("on_error", on_error, ("raise", "skip"))
        for name, value, low in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0)):
            whole(f"dataset.{name} is", value, low)
        if self.source.kind == "events" and encoding is not None and not isinstance(encoding, Direct):
            raise UserError(f"{self.source.name} holds events, which are not encoded", "leave out dataset.encoding")
        if self.source.kind == "frames" and layout in ("events", "accumulated"):
            raise UserError(f"{self.source.name} holds values, not events", "set dataset.layout=frames")
        if self.source.targets == "traces" and (self.source.kind != "frames" or layout != "frames"):
            raise UserError(f"{self.source.name} has traces as targets, step by step", "set dataset.layout=frames")
        self.batch_size, self.num_workers, self.layout = batch_size, num_workers, layout
        self.val_fraction, self.test_fraction, self.seed = val_fraction, test_fraction, seed
        self.on_error, self.cache_folder, self.encoding = on_error, cache, encoding
        self._asked = {"dt": dt, "steps": steps, "duration": duration, "per_sample": binning == "per_sample"}
        self._transform, self._augment = transform, augment
        self._cache: Cache | None = None
        self._labels: dict[str, np.ndarray] = {}
        self._loaded: dict[str, list[int]] | None = None
        self.split: dict[str, list[int]] = {}
        if all(isinstance(getattr(type(self.source), name, None), tuple) for name in ("shape", "classes")):
            _ = self.facts  # mistakes show at once where that reads no folder

    @cached_property
    def _shaped(self) -> tuple[tuple[Callable, ...], tuple[int, ...]]:
        return bound(self._transform, tuple(self.source.shape))

    @cached_property
    def _augments(self) -> tuple[Callable, ...]:
        transforms, shape = bound(self._augment, self._shaped[1])
        if shape != self._shaped[1]:
            raise UserError(
                f"dataset.augment changes the shape from {self._shaped[1]} to {shape}", "put it under dataset.transform"
            )
        return transforms

    @cached_property
    def timing(self) -> Timing:
        """dt, T and the bins, from what was asked for and what the source declares."""
        return timing(self.source, **self._asked)

    @cached_property
    def facts(self) -> Facts:
        """Shape, classes, dt and T as the network sees them; reads no recording.

        Raises:
            UserError: settings of time that are missing, contradict each other or make a batch too large to hold.
        """
        shape, dt, steps = self._shaped[1], self.timing.dt, self.timing.steps
        if hasattr(self.encoding, "shape"):
            shape = tuple(self.encoding.shape(shape))
        _ = self._augments
        if steps is not None:
            self._fits(steps, shape)
        if self.layout in ("stacked", "accumulated") and steps is None:
            raise UserError(
                f"dataset.layout={self.layout} needs samples of one length", "set   dataset.duration=SECONDS"
            )
        if self.layout == "stacked":
            still = self.source.kind == "frames" and self.source.period == 0
            if not (still and (self.encoding is None or isinstance(self.encoding, Direct))):
                shape = (steps * shape[0], *shape[1:])
            steps = 1  # dt stays the width of a bin: time constants that suit the SNN then suit its ANN
        return Facts(shape, tuple(self.source.classes), dt, steps, self.source.targets)

    def _fits(self, steps: int, shape: tuple[int, ...]) -> None:
        size = steps * self.batch_size * math.prod(shape) * 4
        if size > LARGEST and self.layout != "events":
            raise UserError(
                f"one batch would take {size / (1 << 30):.1f} GiB: T = {steps} steps of {self.timing.dt:g} s, "
                f"{self.batch_size} samples, shape {shape}",
                "dataset.dt is in seconds (1e-3 is 1 ms): choose a larger dt, a shorter dataset.duration, "
                "a smaller dataset.batch_size or a dataset.transform that pools",
            )

    def prepare_data(self) -> None:
        """Make the set be there and build its cache, showing progress on a terminal; one process does it."""
        _ = self.facts
        self.source.download()
        transforms, shape = self._shaped
        with _Progress(f"caching {self.source.name}") as progress:
            open_or_build(self.source, transforms, shape, self.cache_folder, self.on_error, progress)

    def setup(self, stage: str | None = None) -> None:
        """Open the cache (build it if nobody has) and split.

        Raises:
            UserError: a recording cannot be read; a loaded split does not fit the set; nothing is left to train on.
        """
        if self._cache is not None:
            return
        transforms, shape = self._shaped
        self._labels = {part: np.asarray(own, np.int64) for part, own in self.source.parts().items()}
        self._cache = open_or_build(self.source, transforms, shape, self.cache_folder, self.on_error)
        if self.timing.steps is None:
            self._fits(self._longest(), self.facts.shape)
        chosen = self._loaded or split(self._labels, self.val_fraction, self.test_fraction, self.seed)
        self.split = {name: self._readable(name, index) for name, index in chosen.items()}

    def load_split(self, split: Mapping[str, Sequence[int]]) -> None:
        """Use a written split instead of drawing one; {"train", "val", "test"} as `split` gives it."""
        self._loaded = {name: [int(i) for i in split.get(name, ())] for name in ("train", "val", "test")}
        self._cache = None

    @property
    def skipped(self) -> dict[str, str]:
        """Recordings that could not be read and were left out (on_error=skip): {file: reason}."""
        return dict(self._cache.skipped) if self._cache else {}

    def loader(self, name: Literal["train", "val", "test"], train: bool = False) -> Loader:
        """The loader of a split.

        Args:
            name: which split.
            train: shuffled and augmented anew each epoch; else in order and as it is.
        """
        if self._cache is None:
            self.setup()
        part = self._part(name)
        if self.source.kind == "events":
            batches = EventBatches(
                self._cache[part], self._labels[part], self._shaped[1], self.timing.bins, self.layout,
                self._augments if train else (), self.seed,
            )  # fmt: skip
        else:
            batches = ValueBatches(
                self._cache[part], self._labels[part], self.timing.dt, self.timing.steps, self.layout, self.encoding,
                self._augments if train else (), self.seed, self._traces(part),
            )  # fmt: skip
        return Loader(batches, self.split[name], self.batch_size, train, self.seed, self.num_workers)

    def some(self, name: Literal["train", "val", "test"], count: int) -> Batch:
        """One batch of `count` samples spread evenly over a split, as they are; of all where there are fewer."""
        loader = self.loader(name).keep(count)
        loader.batch_size = count
        return next(iter(loader))

    def train_dataloader(self) -> Loader:
        """Shuffled and augmented."""
        return self.loader("train", train=True)

    def val_dataloader(self) -> Loader | list:
        """In order, as it is; an empty list where nothing validates."""
        loader = self.loader("val")
        return loader if len(loader.index) else []

    def test_dataloader(self) -> Loader | list:
        """In order, as it is; an empty list where nothing tests."""
        loader = self.loader("test")
        return loader if len(loader.index) else []

    def _part(self, name: str) -> str:
        return "test" if name == "test" and "test" in self._labels else "train" if "train" in self._labels else "test"

    def _traces(self, part: str) -> np.ndarray | None:
        return np.asarray(self.source.traces(part), np.float32) if self.source.targets == "traces" else None

    def _readable(self, name: str, index: Sequence[int]) -> list[int]:
        part = self._part(name)
        size, missing = len(self._labels[part]), set(self._cache.missing(part))
        if index and not 0 <= min(index) <= max(index) < size:
            raise UserError(
                f"the split's {name} samples reach {max(index)}, the part {part} of {self.source.name} has {size}",
                "the run was made on another copy of the set; give its own folder with   dataset.root=FOLDER",
            )
        return [i for i in index if i not in missing]

    def _longest(self) -> int:
        longest = 1
        for part, own in self._labels.items():
            if not len(own):
                continue
            cached = self._cache[part]
            if self.source.kind == "events":
                lengths = self.timing.bins.lengths(cached.extent)
            else:
                lengths = steps_of(np.diff(cached.offsets), cached.period, self.timing.dt)
            longest = max(longest, int(lengths.max()))
        return longest


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"dataset.{name} is {value!r}", did_you_mean(str(value), choices))


class _Progress:
    """A bar on stderr, on a terminal only."""

    def __init__(self, title: str):
        self.title, self.bar = title, None

    def __enter__(self) -> Callable[[int, int], None] | None:
        if not sys.stderr.isatty():
            return None
        from rich.console import Console
        from rich.progress import Progress

        self.bar = Progress(console=Console(stderr=True), transient=True)
        task = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                self.bar.start()
                task = self.bar.add_task(self.title, total=total)
            self.bar.update(task, completed=done)

        return show

    def __exit__(self, *error) -> None:
        self.bar and self.bar.stop()
