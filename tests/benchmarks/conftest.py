from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from snnctl.benchmarks.cases import CASES, Case

SMALL = {
    "onb": {"shape": (12,), "widths": (8,)},
    "shd": {"shape": (20,), "widths": (6,), "classes": 3, "density": 0.2},
    "conv": {"shape": (2, 8, 8), "widths": (3, 4), "classes": 5, "density": 0.2},
}


@pytest.fixture
def tiny() -> Callable[[str], Case]:
    """A case of a name, at sizes that take milliseconds."""

    def make(name: str) -> Case:
        case = CASES[name]
        sizes = SMALL.get(case.family, {"shape": (8,), "widths": (8,)})
        return replace(case, steps=5, batch=2, **sizes)

    return make


@pytest.fixture(autouse=True)
def samna_blocked_for_this_test_only(monkeypatch):
    """Loading an adapter blocks samna for good, which `snnctl doctor` would see."""
    monkeypatch.setitem(sys.modules, "samna", None)
