"""Shared behaviour is written once: no two neurons are more than half alike, line by line."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import snnctl.neurons

MOST = 0.5  # share of lines that two files have in common, in order


def lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def alike(a: list[str], b: list[str]) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def test_no_two_neurons_are_more_than_half_alike():
    files = {p.name: lines(p) for p in sorted(Path(snnctl.neurons.__path__[0]).glob("*.py"))}
    assert len(files) > 40
    found = {pair: alike(*(files[name] for name in pair)) for pair in combinations(files, 2)}
    assert {pair: round(share, 2) for pair, share in found.items() if share > MOST} == {}


def test_what_counts_as_alike():
    assert alike(["a", "b", "c", "d"], ["a", "b", "c", "x"]) == 0.75
