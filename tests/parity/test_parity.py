"""snnctl beside the frameworks, on traces that the frameworks gave (make parity makes them anew)."""

from __future__ import annotations

import re

import pytest
import torch

from tests.parity.parity import HERE, Parity, cases, difference
from tests.parity.table import PAGE, page

CASES = list(cases())


@pytest.mark.parametrize("case", [c for c in CASES if not c.fails], ids=lambda c: f"{c.framework}/{c.name}")
def test_the_trace_is_theirs(case: Parity):
    apart = case.differences()
    assert max(apart.values()) <= 1, {name: f"{share:.3g} of what is allowed" for name, share in apart.items()}


def test_every_vector_belongs_to_a_case():
    assert {c.vectors for c in CASES if not c.fails} == set((HERE / "vectors").rglob("*.npz"))


def test_no_two_cases_share_a_name():
    assert len({c.vectors for c in CASES}) == len(CASES)


@pytest.mark.parametrize(("name", "apart", "stands"), [
    ("spikes", 0.0, True), ("spikes", 1e-9, False), ("v", 0.9e-5, True), ("v", 1.2e-5, False),
    ("grad_x", 0.9e-4, True), ("grad_x", 1.2e-4, False),
])  # fmt: skip
def test_what_is_allowed(name, apart, stands):
    theirs = torch.tensor([1.0, 0.5], dtype=torch.float64)
    assert (difference(name, theirs + apart, theirs) <= 1) == stands


def test_a_trace_of_other_infinities_is_another_trace():
    theirs = torch.tensor([1.0, float("inf")])
    assert difference("v", theirs, theirs) == 0
    assert difference("v", torch.tensor([1.0, float("nan")]), theirs) > 1


def test_the_table_is_the_one_in_the_docs():
    found, written = (
        re.sub(r"\| (equal|1e-\d) (?=\|)", "| a bound ", text) for text in (page(CASES), PAGE.read_text())
    )
    assert written == found, "write it anew: python -m tests.parity.table"  # sums, so bounds, differ between machines
