"""Returns and advantages, with the numbers written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.regimes.acting.advantage import advantages, returns


def test_returns():
    assert returns(torch.tensor([1.0, 0.0, 2.0]), 0.5).tolist() == [1.5, 1.0, 2.0]


def column(*values) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_advantages_stop_at_an_end_and_look_beyond_a_cut():
    value, reward, after = column(1.0, 2.0, 3.0), column(1.0, 1.0, 1.0), column(2.0, 8.0, 4.0)
    ended, over = column(False, False, True), column(False, True, True)
    # d: 1 + 0.5 2 - 1 = 1;  1 + 0.5 8 - 2 = 3, an episode cut;  1 - 3 = -2, ended
    found = advantages(value, reward, after, ended, over, discount=0.5, trace=0.5)
    assert found[:, 0].tolist() == [1 + 0.25 * 3, 3.0, -2.0]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(0, 1))
def test_with_a_trace_of_one_an_advantage_is_the_return_less_the_value(rewards, discount):
    reward = torch.tensor(rewards)[:, None]
    value = torch.linspace(-1, 1, len(rewards))[:, None]
    after = torch.cat([value[1:], torch.tensor([[7.0]])])
    over = torch.zeros(len(rewards), 1, dtype=torch.bool)
    over[-1] = True
    found = advantages(value, reward, after, over, over, discount, 1.0)
    assert found[:, 0].tolist() == pytest.approx((returns(reward[:, 0], discount) - value[:, 0]).tolist(), abs=1e-4)
