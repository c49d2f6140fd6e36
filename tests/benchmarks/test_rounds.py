from __future__ import annotations

from snnctl.benchmarks import rounds
from snnctl.benchmarks.rounds import quartiles, race, ratio, warm
from snnctl.benchmarks.workload import Passes


def test_everyone_runs_once_a_round_in_an_order_that_rotates(monkeypatch):
    log, clock = [], iter(range(1000))
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: next(clock))

    def passes(name):
        return Passes(lambda: log.append(f"{name}+") or name, lambda out: log.append(f"{out}-"))

    times = race({name: passes(name) for name in "abc"}, 4)
    assert "".join(log) == "a+a-b+b-c+c-" + "b+b-c+c-a+a-" + "c+c-a+a-b+b-" + "a+a-b+b-c+c-"
    assert times["b"].forward == [1] * 4 and times["b"].backward == [1] * 4 and times["b"].total == [2] * 4


def test_warming_runs_both_passes():
    log = []
    made = warm(lambda: Passes(lambda: log.append("f") or 1, lambda out: log.append(out)))
    assert log == ["f", 1] * rounds.WARM
    made.forward()
    assert log[-1] == "f"


def test_ratios_and_quartiles():
    assert ratio([2, 6], [1, 2]) == [2, 3]
    assert quartiles([5, 1, 3, 2, 4]) == [2, 3, 4]
    assert quartiles([7]) == [7, 7, 7]
