from __future__ import annotations

import pytest

from snnctl.benchmarks import floors, models
from snnctl.benchmarks.cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_a_model_and_a_floor(name):
    case = CASES[name]
    assert case.name == name
    assert callable(getattr(models, case.family)) and callable(getattr(floors, case.family))
    assert (case.task == "training") == bool(case.classes)


def test_sizes():
    assert CASES["conv"].features == 64 * 4 * 4  # 34 -> 17 -> 8 -> 4
    assert CASES["conv"].size == "T20 B32 N16-32-64"
    assert CASES["shd100"].neurons == 256
