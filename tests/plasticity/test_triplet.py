"""The triplet rule: a change written out, and its frequency dependence."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.plasticity import PairSTDP, TripletSTDP
from tests.plasticity.test_pair import course


def test_a_triplet_written_out():
    # post at 0, pre at 2, post at 5: the second one meets r1 of the spike before, and o2 of the first
    pre = torch.tensor([0, 0, 1, 0, 0, 0.0]).view(6, 1, 1)
    post = torch.tensor([1, 0, 0, 0, 0, 1.0]).view(6, 1, 1)
    found = course(TripletSTDP(eta_plus=0.01, eta_plus3=0.02, eta_minus=0.03, eta_minus3=0.5), pre=pre, post=post)
    weaker = -0.03 * math.exp(-2 / 33.7)  # no earlier presynaptic spike: r2 = 0
    stronger = math.exp(-3 / 16.8) * (0.01 + 0.02 * math.exp(-5 / 27))
    assert found == pytest.approx([0, 0, weaker, 0, 0, stronger], abs=1e-6)


def test_a_spike_does_not_count_as_the_one_before_it():
    one = torch.ones(1, 1, 1)
    assert course(TripletSTDP(eta_plus=0.0, eta_plus3=1.0, eta_minus=0.0, eta_minus3=1.0), pre=one, post=one) == [0.0]


def test_without_its_third_spike_it_is_the_pair_rule():
    draw = torch.Generator().manual_seed(1)
    pre, post = ((torch.rand(50, 1, 1, generator=draw) < 0.3).float() for _ in range(2))
    pairs = PairSTDP(eta_plus=1e-3, eta_minus=2e-3, tau_pre=16.8e-3, tau_post=33.7e-3)
    triplets = TripletSTDP(eta_plus=1e-3, eta_minus=2e-3, eta_plus3=0.0, eta_minus3=0.0)
    assert course(triplets, pre=pre, post=post) == pytest.approx(course(pairs, pre=pre, post=post), abs=1e-7)


def test_fast_pairings_strengthen_where_slow_ones_weaken():
    """Ten pairs, the neuron 10 ms ahead of its input, at 2 and at 50 Hz: Sjoestroem et al. 2001, their figure 1."""

    def total(period: int) -> float:
        steps = torch.arange(10 * period)
        post = (steps % period == 0).float().view(-1, 1, 1)
        pre = (steps % period == 10 % period).float().view(-1, 1, 1)
        rule = TripletSTDP(eta_plus=0.0, eta_plus3=6.2e-3, eta_minus=7e-3, eta_minus3=0.0, tau_post_slow=114e-3)
        return sum(course(rule, pre=pre, post=post))  # the minimal model of the visual cortex

    assert total(500) < 0 < total(20)


def test_what_cannot_be_is_refused():
    for options in ({"tau_pre_slow": -1.0}, {"dependence": "power"}, {"spikes": "none"}, {"mu": float("inf")}):
        with pytest.raises(UserError):
            TripletSTDP(**options)
