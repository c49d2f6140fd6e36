"""The energy of counted operations, by hand."""

from __future__ import annotations

import pytest

from snnctl.errors import UserError
from snnctl.metrics.energy import FLOAT16, FLOAT32, INT8, Costs, energy
from snnctl.report.evaluation import energy_line


@pytest.mark.parametrize(("costs", "ac", "mac"), [
    (FLOAT32, 900.0, 460.0), (FLOAT16, 400.0, 150.0), (INT8, 30.0, 23.0),
])  # fmt: skip
def test_a_thousand_accumulates_and_a_hundred_multiply_accumulates(costs, ac, mac):
    found = energy(1000, 100, costs)
    assert (found.ac, found.mac, found.total) == pytest.approx((ac, mac, ac + mac))


def test_thirty_two_bit_floats_are_what_is_meant_without_a_word():
    assert energy(10, 10).total == pytest.approx(55.0)
    assert energy(0, 0).total == 0


@pytest.mark.parametrize("cost", [-0.1, float("nan"), float("inf")])
def test_a_cost_that_is_none(cost):
    with pytest.raises(UserError, match=r"multiply=.* pJ"):
        Costs("", 0.9, cost)


@pytest.mark.parametrize(("pj", "shown"), [
    (0.0, "0 pJ"), (12.3, "12.3 pJ"), (1360.0, "1.36 nJ"), (2.5e6, "2.5 uJ"), (7.25e9, "7.25 mJ"), (9.9995e2, "1 nJ"),
])  # fmt: skip
def test_the_line_has_a_unit_that_fits(pj, shown):
    line = energy_line({"pj_per_sample": pj, "ac_pj": 0.9, "mac_pj": 4.6, "numbers": "32-bit float", "source": "H"})
    assert line == (
        f"energy of these operations {shown} a sample: 0.9 pJ an AC, 4.6 pJ a MAC (32-bit float, 45 nm; H); "
        "without memory accesses and neuron updates"
    )
