"""The data path is as far ahead of tonic's cache as README says it is at least; bench_data.py prints the figures."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.data]


def test_at_least_twenty_times_tonics_cached_loader(shared_data, one_thread):
    from bench_data import compare

    ratio = {row["path"]: row.get("ratio") for row in compare(shared_data / "nmnist-1k", n=256, rounds=3)}
    assert ratio["snnctl"] >= 20  # 66 to 71 measured
    assert ratio["snnctl"] >= 20 * ratio["tonic DiskCached, uncompressed"]  # 48 to 52
    assert ratio["snnctl, event list"] >= 20  # 98 to 115
    assert ratio["snnctl, shifts drawn anew"] >= 15  # 56 to 64, which tonic's does without
