"""Rules that a reward modulates, with the expected trace written out."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import EscapeLIF
from snnctl.regimes.reward import MSTDP, MSTDPET, RewardPredictionError, Rmax

DT = 1e-3
HALF = DT / math.log(2)  # a time constant that halves a trace in a step


def eligible(rule, pre, post, chance=None) -> list[float]:
    """Of one synapse, at each step."""
    pre, post = (torch.tensor(s, dtype=torch.float32)[:, None, None] for s in (pre, post))
    chance = [None] * len(pre) if chance is None else torch.tensor(chance)[:, None, None]
    state, found = rule.begin(pre[0], post[0]), []
    for a, b, p in zip(pre, post, chance, strict=True):
        e, state = rule.step(a, b, state, DT, p)
        found.append(e.item())
    return found


def test_mstdp():
    rule = MSTDP(tau_plus=HALF, tau_minus=HALF, a_plus=1.0, a_minus=-2.0, lag=False)
    # before then behind: what is left of the trace; behind then before: what is left of a_minus, and one step later
    assert eligible(rule, [1, 0, 0, 1], [0, 1, 0, 0]) == pytest.approx([0, 0.5, 0, -0.5])
    lagged = MSTDP(tau_plus=HALF, tau_minus=HALF, a_plus=1.0, a_minus=-2.0)
    assert eligible(lagged, [1, 0, 0, 1], [0, 1, 0, 0]) == pytest.approx([0, 0, 0.5, 0])


def test_mstdpet():
    rule = MSTDPET(tau_plus=HALF, tau_minus=HALF, lag=False, tau_eligibility=HALF)
    share = math.log(2)  # of the point eligibility, 0.5 in the second step
    assert eligible(rule, [1, 0, 0, 0], [0, 1, 0, 0]) == pytest.approx([0, 0.5 * share, 0.25 * share, 0.125 * share])


def test_rmax():
    rule = Rmax(tau_pre=HALF, tau_c=1e-3, tau_eligibility=2e-3)
    # x: 1, 0.5; the share of p: 0.5 / 1.5, 1 / 2
    assert eligible(rule, [1, 0], [1, 0], [0.5, 1.0]) == pytest.approx([2 / 3, 1 / 3 - 0.25])


def test_prediction_error():
    expected = RewardPredictionError(window=4)
    expected.update(8.0, 2)
    assert expected.expected == 1.0 and expected.error(3.0) == 2.0
    expected.update(0.0, 5)
    assert expected.expected == 0.75


@pytest.mark.parametrize("rule", [MSTDP(), MSTDPET(), Rmax()], ids=lambda r: type(r).__name__)
@given(seed=st.integers(0, 50), over=st.integers(0, 2))
def test_each_sample_of_a_batch_is_alone(rule, seed, over):
    draw = torch.Generator().manual_seed(seed)
    pre, post = ((torch.rand(6, 3, n, generator=draw) < 0.4).float() for n in (4, 2))
    chance = torch.rand(6, 3, 2, generator=draw)
    whole, single = rule.begin(pre[0], post[0]), rule.begin(pre[0, over:][:1], post[0, over:][:1])
    for t in range(6):
        one = slice(over, over + 1)
        all_, whole = rule.step(pre[t], post[t], whole, DT, chance[t])
        own, single = rule.step(pre[t, one], post[t, one], single, DT, chance[t, one])
        assert torch.allclose(all_[one], own, atol=1e-6)
    done = torch.zeros(3, dtype=torch.bool)
    done[over] = True
    after, _ = rule.step(torch.zeros(3, 4), torch.zeros(3, 2), rule.forget(whole, done), DT, torch.zeros(3, 2))
    assert not after[over].any()
    before, _ = rule.step(torch.zeros(3, 4), torch.zeros(3, 2), whole, DT, torch.zeros(3, 2))
    assert torch.equal(after[~done], before[~done])


def test_a_new_observation_keeps_the_trace_of_eligibility_alone():
    rule = MSTDPET()
    ones = torch.ones(1, 1)
    _, state = rule.step(ones, 0 * ones, rule.begin(ones, ones), DT)
    for _ in range(2):  # the second meets the eligibility of the first
        _, state = rule.step(0 * ones, ones, state, DT)
    fresh = rule.observed(state)
    assert fresh.trace.item() == state.trace.item() != 0
    assert not any(own.any() for own in fresh.point)


def test_chances_are_those_of_the_spikes():
    torch.manual_seed(0)
    neuron = EscapeLIF(tau_mem=10e-3, rate=200.0)
    x = torch.rand(50, 400, 1)
    spikes, chance = neuron.drawn(x, dt=DT)
    assert set(spikes.unique().tolist()) == {0.0, 1.0} and 0 <= chance.min() and chance.max() <= 1
    assert spikes.mean().item() == pytest.approx(chance.mean().item(), abs=0.01)


@pytest.mark.parametrize(("rule", "wrong"), [
    (MSTDP, {"tau_plus": 0.0}), (MSTDP, {"a_minus": float("inf")}), (MSTDP, {"lag": 1}),
    (MSTDPET, {"tau_eligibility": -1.0}), (Rmax, {"tau_c": -1.0}), (RewardPredictionError, {"window": 0.5}),
])  # fmt: skip
def test_values_out_of_range(rule, wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        rule(**wrong)
