"""The product stays near its floors: ratios at one thread, with generous bounds, in under two minutes.

    python tests/bench/smoke.py

A case above its bound is timed once more before it counts as failed: others may use the machine. `snnctl bench` prints
the figures.
"""

from __future__ import annotations

import sys

import torch

from snnctl.benchmarks.cases import CASES
from snnctl.benchmarks.contest import FLOOR, PRODUCT, Row, measure
from snnctl.report.tables import show

ROUNDS = 7
# Largest time over the floor's, median of the rounds. Without kernels: 2.5, 11, 9, 18, 2.2, 2, 2, 2.
BOUNDS = {
    "onb512": 1.5,
    "lif": 3.0,
    "cuba": 3.5,
    "alif": 4.5,
    "rlif": 1.3,
    "shd100": 0.8,
    "shd250": 0.8,
    "conv": 1.5,
}
LEAST_RATE = 5e-3  # spikes a neuron and step of the quietest layer


def timed(name: str) -> Row:
    """The product's row of a case, beside its floor only."""
    rows, _ = measure(CASES[name], ROUNDS, own=(PRODUCT, FLOOR))
    return next(row for row in rows if row.contestant == PRODUCT)


def main() -> int:
    """Print the ratios; 1 if one is above its bound."""
    torch.set_num_threads(1)
    lines, failed = [], []
    for name, bound in BOUNDS.items():
        row = timed(name)
        if row.over_floor > bound:
            row = min(row, timed(name), key=lambda row: row.over_floor)
        rate = min(row.rates.values())
        good = row.over_floor <= bound and rate >= LEAST_RATE
        lines.append((name, row.total_ms, f"{row.over_floor:.2f}", bound, f"{rate:.3f}", "" if good else "FAILED"))
        failed += [] if good else [name]
    show(("case", "ms", "/ floor", "bound", "rate", ""), lines, right=(1, 2, 3, 4))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
