"""A step of e-prop, OTTT, SLTT and DECOLLE takes at most twice as long as one by backpropagation at T = 100."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["recurrent", "layers"])
def test_at_most_twice_a_step_of_backpropagation(kind, one_thread):
    from tests.bench.online_rules import race

    medians = {rule: ratio for rule, _, ratio in race(kind, 100, 100, 9)}
    if max(medians.values()) > 2:  # others may use the machine
        medians = {rule: min(ratio, medians[rule]) for rule, _, ratio in race(kind, 100, 100, 25)}
    assert set(medians) == {"bptt", "eprop", "ottt", "sltt", "decolle"}
    assert max(medians.values()) <= 2, medians  # 1.1 to 1.6 measured
