"""docs/parity.md: every proof in one table.

python -m tests.parity.table
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from tests.parity.parity import Parity, cases

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"
HEAD = """# What equals what

Each row is a call of a framework, and what gives the same numbers here: spikes exactly, membranes and other values to
1e-5, gradients to 1e-4 of the largest. The traces of the frameworks are in tests/parity/vectors; `make test` compares
with them, `make parity` makes them anew from the frameworks themselves. Written by `python -m tests.parity.table`.

| framework | snnctl | settings | values within | gradients within |
|---|---|---|---|---|
"""


def page(all_cases: Iterable[Parity]) -> str:
    """The page, from the committed traces."""
    ordered = sorted(all_cases, key=lambda c: (c.api.lower(), c.ours, c.fails))
    rows = [row(list(group)) for _, group in groupby(ordered, key=lambda c: (c.api, c.ours, c.fails))]
    return HEAD + "".join(f"{r}\n" for r in rows)


def row(group: list[Parity]) -> str:
    """Of one call in all its settings that it runs in, or in those it fails in with one error."""
    first = group[0]
    settings = ", ".join(case.setting for case in group)
    if first.fails:
        return f"| {first.api} | {first.ours} | {settings} | the framework raises {first.fails} | |"
    apart: dict[bool, float] = {}
    for case in group:
        for name, share in case.differences().items():
            of_gradients = name.startswith("grad")
            apart[of_gradients] = max(apart.get(of_gradients, 0.0), share)
    values, gradients = (bound(apart.get(k), limit) for k, limit in ((False, 1e-5), (True, 1e-4)))
    return f"| {first.api} | {first.ours} | {settings} | {values} | {gradients} |"


def bound(share: float | None, limit: float) -> str:
    """The power of ten that a difference stays under, the same on every machine; "equal" below single precision."""
    if share is None:
        return ""
    for power in (-6, -5, -4):
        if share * limit <= 10**power / 2:
            return "equal" if share == 0 else f"1e{power}"
    return f"{limit:g}"


if __name__ == "__main__":
    PAGE.write_text(page(cases()))
    print(f"{PAGE.relative_to(PAGE.parents[1])}: {len(PAGE.read_text().splitlines()) - 9} rows")
