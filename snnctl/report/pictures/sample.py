"""One sample of a recording, as pictures need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnctl.errors import UserError


@dataclass(frozen=True)
class Sample:
    """What every layer did during one sample.

    Args:
        values: {"input": (T, ...), "<layer>/<field>": (T, ...)}, valid steps only.
        dt: seconds a step.
        title: head line.
        classes: names of the network's outputs, if they have any.
    """

    values: Mapping[str, np.ndarray]
    dt: float
    title: str = ""
    classes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, recorded: Mapping[str, np.ndarray], number: int, length: int, dt: float, title: str, classes: tuple = ()
    ) -> Sample:
        """Sample `number` of a recorded batch (T, B, ...), cut to its `length` steps."""
        return cls({name: a[:length, number] for name, a in recorded.items()}, dt, title, classes)

    @property
    def steps(self) -> int:
        return len(next(iter(self.values.values())))

    @property
    def ms(self) -> np.ndarray:
        """Start of each step, (T,), in ms."""
        return np.arange(self.steps) * self.dt * 1e3

    def spikes(self) -> dict[str, np.ndarray]:
        """{layer: (T, N)} of every layer whose spikes were recorded, and of an input of events.

        Raises:
            UserError: there is none.
        """
        found = {n.removesuffix("/spikes"): flat(a) for n, a in self.values.items() if is_events(n, a)}
        if not found:
            raise UserError("the recording holds no spikes", "record them   record=[spikes]")
        return found

    def states(self) -> dict[str, np.ndarray]:
        """{"<layer>/<field>": (T, N)} of all that is no spikes.

        Raises:
            UserError: there is none.
        """
        found = {n: flat(a) for n, a in self.values.items() if not is_events(n, a)}
        if not found:
            raise UserError("the recording holds spikes alone", "record a state as well   record=[spikes,v]")
        return found


def is_events(name: str, values: np.ndarray) -> bool:
    """Whether something is drawn as dots in time: spikes, and an input that is nowhere dense or fractional."""
    if name != "input":
        return name.endswith("/spikes")
    return bool((values == np.rint(values)).all()) and np.count_nonzero(values) < values.size / 2


def flat(values: np.ndarray) -> np.ndarray:
    """(T, ...) -> (T, N)."""
    return values.reshape(len(values), -1)


def label(name: str) -> str:
    """A recorded name on two lines, for the side of a panel."""
    return name.replace("/", "\n")


def liveliest(values: np.ndarray, n: int) -> np.ndarray:
    """The n columns of (T, N) that move most: traces of all neurons would hide each other."""
    return np.sort(np.argsort(values.std(0), kind="stable")[::-1][:n])
