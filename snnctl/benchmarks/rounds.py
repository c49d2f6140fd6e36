"""Times of several contestants in one process, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from snnctl.benchmarks.workload import Passes

WARM = 2  # passes before the first round: kernels are compiled, buffers are made


class Times(NamedTuple):
    """Seconds of each round, forward and backward."""

    forward: list[float]
    backward: list[float]

    @property
    def total(self) -> list[float]:
        """Seconds of both."""
        return [f + b for f, b in zip(self.forward, self.backward, strict=True)]


def race(contestants: Mapping[str, Passes], rounds: int) -> dict[str, Times]:
    """Run every contestant once a round, in an order that rotates.

    Args:
        contestants: name -> its passes, warm (see `warm`).
        rounds: at least 1.

    Returns:
        name -> times; those of one round stand at the same place, so that ratios can be taken within it.
    """
    names = list(contestants)
    times = {name: Times([], []) for name in names}
    for number in range(rounds):
        gc.collect()
        gc.disable()
        try:
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                forward, backward, _ = contestants[name]
                begin = time.perf_counter()
                out = forward()
                between = time.perf_counter()
                backward(out)
                end = time.perf_counter()
                del out
                times[name].forward.append(between - begin)
                times[name].backward.append(end - between)
        finally:
            gc.enable()
    return times


def warm(make: Callable[[], Passes]) -> Passes:
    """Make passes and run them, untimed."""
    made = make()
    for _ in range(WARM):
        made.backward(made.forward())
    return made


def ratio(times: Sequence[float], base: Sequence[float]) -> list[float]:
    """times / base, round by round."""
    return [a / b for a, b in zip(times, base, strict=True)]


def quartiles(values: Sequence[float]) -> list[float]:
    """Lower quartile, median, upper quartile."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
