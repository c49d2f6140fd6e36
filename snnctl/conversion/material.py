"""The data of a conversion: what the ANN saw, and the same as the spiking network sees it over T steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor

from snnctl.datasets import DataModule
from snnctl.datasets.batch import Batch
from snnctl.datasets.encodings import Direct
from snnctl.errors import UserError
from snnctl.losses.loss import mean
from snnctl.regimes.ann import Frame, framed

Part = Literal["train", "val", "test"]


@dataclass(eq=False)
class Material:
    """Data at any number of steps.

    Args:
        data: (settings) -> the data set with these in place of its own: steps, layout.
        frame: how the ANN's frame came about.
        input: of events: accumulated, or steps.
        samples: of the training part.

    Raises:
        UserError: samples have no common duration; the ANN saw its time bins as channels.
    """

    data: Callable[..., DataModule]
    frame: Frame
    input: Literal["accumulated", "steps"]
    samples: int

    def __post_init__(self) -> None:
        self.own = self.data()
        if self.own.timing.steps is None:
            raise UserError("samples differ in length, and T steps need one duration", "set   dataset.duration=SECONDS")
        if self.own.layout == "stacked" and self.own.timing.steps > 1 and not self.still:
            raise UserError(
                "the ANN saw the time bins as channels (dataset.layout=stacked), which no spiking network sees at once",
                "train it on one frame   snnctl train RECIPE neuron=relu regime=ann",
            )
        self.at = lru_cache(maxsize=1)(self._at)

    @property
    def still(self) -> bool:
        """Whether a sample is one image, shown as it is."""
        encoded = self.own.encoding is not None and not isinstance(self.own.encoding, Direct)
        return self.own.source.kind == "frames" and self.own.source.period == 0 and not encoded

    @property
    def settings(self) -> dict[str, str]:
        """Of the data set that the spiking network sees, beside `steps`."""
        accumulated = self.own.source.kind == "events" and self.input == "accumulated"
        return {"layout": "accumulated" if accumulated else "frames"}

    def _at(self, T: int) -> DataModule:
        return self.data(steps=T, **self.settings)

    def gain(self, T: int) -> float:
        """The ANN's frame over the mean of what the spiking network sees over T steps."""
        steps = self.own.timing.steps
        if self.still or (steps == 1 and self.own.source.kind == "frames"):
            return 1.0
        total = steps if self.own.source.kind == "frames" else T if self.input == "steps" else 1
        return total / (steps if self.frame == "mean" else 1)

    def frames(self) -> list[Tensor]:
        """Batches (B, *shape) of the training part, as the ANN saw them."""
        return [framed(b.x, b.length, self.frame) for b in Some(self.own, self.samples)]

    def sequences(self, T: int) -> Some:
        """The same, (T, B, *shape) each, read anew each time that they are gone through."""
        return Some(self.at(T), self.samples, lambda b: b.x)

    def ann_accuracy(self, ann: Callable[[Tensor], Tensor], part: Part) -> float:
        """Share of a part that the ANN, (B, *shape) -> (B, C), has right."""
        return _share((ann(framed(b.x, b.length, self.frame)), b.target) for b in self.own.loader(part))

    def accuracy(self, network: torch.nn.Module, T: int, part: Part) -> float:
        """Share of a part that the spiking network has right: the class with the highest mean output over time."""
        return _share((mean(network(b.x)[0], b.length), b.target) for b in self.at(T).loader(part))


@dataclass
class Some:
    """Batches of the training part, as they are.

    Args:
        data: the data set.
        samples: how many, spread evenly over the part.
        read: what of a batch is wanted.
    """

    data: DataModule
    samples: int
    read: Callable[[Batch], Any] = lambda batch: batch

    def __iter__(self) -> Iterator[Any]:
        return map(self.read, self.data.loader("train").keep(self.samples))


def _share(scored: Iterable[tuple[Tensor, Tensor]]) -> float:
    right = count = 0
    with torch.no_grad():
        for scores, target in scored:
            right, count = right + int((scores.argmax(1) == target).sum()), count + len(target)
    if not count:
        raise UserError("the part of the data set that accuracy is measured on is empty",
                        "set   dataset.val_fraction=0.1, dataset.test_fraction=0.2")  # fmt: skip
    return right / count
