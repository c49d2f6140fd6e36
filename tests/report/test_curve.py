"""One figure of runs over another."""

from __future__ import annotations

import pytest

from snnctl.report.curve import Point, curve, means

RUNS = [
    Point(400.0, 0.9, "0", "wide"),
    Point(100.0, 0.7, "2", "narrow"),
    Point(200.0, 0.8, "3", "narrow"),
    Point(600.0, 1.0, "1", "wide"),
]


def test_runs_that_differ_in_the_seed_are_one_point_of_the_line():
    narrow, wide = means(RUNS)
    assert (narrow.x, narrow.name) == (150.0, "2") and narrow.y == pytest.approx(0.75)
    assert (wide.x, wide.name) == (500.0, "0") and wide.y == pytest.approx(0.95)


@pytest.mark.parametrize("runs, scale", [(RUNS, "linear"), ([*RUNS, Point(1000.0, 0.99, "4", "all")], "log")])
def test_the_line_goes_through_the_means_and_every_run_is_a_dot(runs, scale):
    (axis,) = curve(runs, "operations", "test/acc").axes
    assert list(axis.lines[0].get_xdata()) == [p.x for p in means(runs)]
    assert sorted(map(tuple, axis.collections[0].get_offsets().tolist())) == sorted((p.x, p.y) for p in runs)
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_xscale()) == ("operations", "test/acc", scale)


def test_a_figure_that_is_zero_somewhere_is_not_drawn_logarithmically():
    assert curve([Point(0.0, 1.0, "0", 0), Point(100.0, 1.0, "1", 1)], "x", "y").axes[0].get_xscale() == "linear"
