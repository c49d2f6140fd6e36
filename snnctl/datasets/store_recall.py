"""The store-recall task: one of many values is to be stored at a command and told at another, much later."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from snnctl.datasets.draws import generator
from snnctl.datasets.recording import Recording, from_events
from snnctl.datasets.source import Source
from snnctl.errors import UserError, whole

VALUES, STORE, RECALL = 2, 2, 3  # populations: one a value, then one a command


class Plan(NamedTuple):
    """What a sample shows, period by period.

    Args:
        shown: (L,) the value, 0 or 1; -1 in a period of recall, which shows none.
        store, recall: (L,) bool, whether the command is given.
    """

    shown: np.ndarray
    store: np.ndarray
    recall: np.ndarray


class StoreRecall(Source):
    """Generated trials of working memory. Time is cut into periods; each shows a random bit, most of them in vain:

        store  ~ one of the first half of the periods, recall ~ one of the second half
        answer = the bit shown during store

    A period of recall shows no bit, and ends the sample: then the answer is due. Four populations send Poisson spikes
    while what they stand for is there: bit 0 in channels 0..P-1, bit 1 in P..2P-1, store in 2P..3P-1, recall in
    3P..4P-1. With repetitions, that many trials follow each other, whole but for the last one, whose answer is asked.

    Every sample is a function of (seed, part, number): nothing is downloaded.

    Args:
        root: unused; every source has one.
        seed: of all samples.
        samples: of the training part.
        test_samples: of the test part.
        periods: of a trial, even.
        period: length of one, s.
        repetitions: trials a sample; more than 1: what was stored has to be overwritten.
        population: P, neurons each.
        rate: of those that show a bit, Hz.
        command_rate: of those that give a command, Hz.

    Raises:
        UserError: a parameter outside its range.

    Source: Bellec et al. 2019, arXiv:1901.09049; the parameters are those of the task memory in Norse 1.1, which reads
    answers in the period of recall as well and draws spikes in steps of 1 ms.
    """

    kind: ClassVar[str] = "events"
    classes = ("0", "1")

    def __init__(
        self,
        root: Path | str = "data",
        seed: int = 0,
        samples: int = 2048,
        test_samples: int = 1000,
        periods: int = 12,
        period: float = 0.2,
        repetitions: int = 1,
        population: int = 5,
        rate: float = 100.0,
        command_rate: float = 50.0,
    ):
        super().__init__(root)
        self.seed, self.repetitions, self.periods, self.population = seed, repetitions, periods, population
        self.samples, self.test_samples = samples, test_samples
        self.period, self.rate, self.command_rate = period, rate, command_rate
        counts = {"samples": samples, "test_samples": test_samples, "periods": periods, "repetitions": repetitions}
        for name, value in {**counts, "population": population}.items():
            whole(f"dataset.source.{name} is", value, hint="range          1 and above, whole")
        if periods % 2:
            raise UserError(f"dataset.source.periods is {periods}", "an even number: half to store in, half to recall")
        for name, value, unit in (("period", period, "s"), ("rate", rate, "Hz"), ("command_rate", command_rate, "Hz")):
            if not 0 < value < float("inf"):
                raise UserError(f"dataset.source.{name} is {value!r}", f"range          above 0, {unit}")

    @property
    def shape(self) -> tuple[int, ...]:
        """(4 P,)"""
        return ((VALUES + 2) * self.population,)

    @cached_property
    def _labels(self) -> dict[str, np.ndarray]:
        sizes = {"train": self.samples, "test": self.test_samples}
        return {part: np.array([answer(self.plan(part, i)) for i in range(n)]) for part, n in sizes.items()}

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k != "_labels"}

    def parts(self) -> dict[str, np.ndarray]:
        """The bit that is to be recalled: {"train": (samples,), "test": (test_samples,)} int64."""
        return self._labels

    def plan(self, part: str, i: int) -> Plan:
        """What sample `i` shows."""
        rng = generator(self.seed, 0, i, f"store_recall {part} plan")
        shape = (self.repetitions, self.periods)
        shown, each = rng.integers(0, VALUES, shape), np.arange(self.repetitions)
        store, recall = np.zeros(shape, bool), np.zeros(shape, bool)
        when = rng.integers(0, self.periods // 2, (2, self.repetitions))
        store[each, when[0]] = True
        recall[each, when[1] + self.periods // 2] = True
        shown[recall] = -1
        length = shown.size - self.periods // 2 + when[1, -1] + 1
        return Plan(*(rows.ravel()[:length] for rows in (shown, store, recall)))

    def read(self, part: str, i: int) -> Recording:
        """The spikes of sample `i`, t in microseconds from its start to the end of its last period."""
        plan = self.plan(part, i)
        rng = generator(self.seed, 0, i, f"store_recall {part} spikes")
        rates = np.zeros((len(plan.shown), VALUES + 2))
        for value in range(VALUES):
            rates[plan.shown == value, value] = self.rate
        rates[plan.store, STORE] = rates[plan.recall, RECALL] = self.command_rate
        counts = rng.poisson(np.repeat(rates, self.population, axis=1) * self.period)
        when, channel = (np.repeat(cells, counts.ravel()) for cells in np.indices(counts.shape).reshape(2, -1))
        t = (when + rng.random(len(when))) * self.period * 1e6
        return from_events(t, channel, start=0, stop=round(len(plan.shown) * self.period * 1e6))


def answer(plan: Plan) -> int:
    """The bit that was shown at the last store."""
    return int(plan.shown[np.flatnonzero(plan.store)[-1]])
