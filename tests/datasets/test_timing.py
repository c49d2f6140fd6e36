"""dt, T and duration: every combination that makes sense, and an error that says what to set for every other."""

from __future__ import annotations

import pytest
from toy import ToyEvents, ToyImages, ToySeries

from snnctl.datasets.timing import timing
from snnctl.errors import UserError


def of(source, dt=None, steps=None, duration=None, per_sample=False):
    grid = timing(source, dt, steps, duration, per_sample)
    return grid.dt, grid.steps


def test_combinations():
    declared, varied = ToyEvents(), ToyEvents(varied=True)  # 0.1 s; none
    assert of(declared, dt=1e-3) == (1e-3, 100)
    assert of(declared, dt=30e-3) == (30e-3, 4)  # the last bin is not full
    assert of(declared, steps=20) == (0.005, 20)
    assert of(declared, steps=20, duration=0.2) == (0.01, 20)
    assert of(declared, dt=0.01, duration=0.05) == (0.01, 5)
    assert of(varied, dt=0.01) == (0.01, None)
    assert of(varied, dt=0.01, duration=0.05) == (0.01, 5)
    assert of(declared, steps=7, per_sample=True) == (1.0, 7)
    assert of(ToySeries()) == (10e-3, None)
    assert of(ToySeries(), dt=5e-3) == (5e-3, None)
    assert of(ToyImages(), steps=10, duration=0.1) == (0.01, 10)


@pytest.mark.parametrize(
    ("source", "asked", "problem"),
    [
        (ToyEvents(), {"dt": 1e-3, "steps": 5}, "both given"),
        (ToyEvents(), {}, "neither"),
        (ToyEvents(varied=True), {"steps": 5}, "declares no duration"),
        (ToyImages(), {"steps": 5}, "declares no duration"),
        (ToyImages(), {"dt": 1e-3}, "declares no duration"),
        (ToyEvents(), {"dt": 1.0}, "T would be 0"),
        (ToyEvents(), {"dt": 1e-7}, "T would be 1000000 steps"),
        (ToyEvents(), {"dt": 0.0}, "dt is 0.0"),
        (ToyEvents(), {"dt": -1e-3}, "dt is -0.001"),
        (ToyEvents(), {"dt": "1ms"}, "dt is '1ms'"),
        (ToyEvents(), {"dt": float("nan")}, "dt is nan"),
        (ToyEvents(), {"steps": 0}, "steps is 0"),
        (ToyEvents(), {"steps": 2.5}, "steps is 2.5"),
        (ToyEvents(), {"steps": 10**7}, "steps is 10000000"),
        (ToyEvents(), {"steps": 5, "duration": 0.0}, "duration is 0.0"),
        (ToyEvents(), {"dt": 1e-3, "per_sample": True}, "takes dataset.steps"),
        (ToyEvents(), {"steps": 5, "duration": 0.1, "per_sample": True}, "duration means nothing"),
        (ToyImages(), {"steps": 5, "per_sample": True}, "is for events"),
    ],
)
def test_mistakes(source, asked, problem):
    with pytest.raises(UserError, match=problem) as caught:
        of(source, **asked)
    assert caught.value.hint


def test_milliseconds_for_seconds_is_guessed():
    with pytest.raises(UserError) as caught:
        of(ToyEvents(), dt=10)
    assert "0.01" in caught.value.hint
