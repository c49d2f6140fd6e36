"""Statistics of spike trains and populations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.metrics.trains import correlation, interval_cv, intervals, local_variation, population_fano, synchrony


def train(*at: int, steps: int = 12) -> torch.Tensor:
    return torch.zeros(steps).index_fill(0, torch.tensor(at, dtype=torch.int64), 1.0)


def test_intervals_by_hand():
    spikes = torch.stack([train(0, 2, 5), train(3), train(1, 2)], 1)
    spikes[5, 0] = 4  # several spikes in a step are one event
    owner, interval = intervals(spikes)
    assert owner.tolist() == [0, 0, 2] and interval.tolist() == [2, 3, 1]


def test_regularity_by_hand():
    spikes = torch.stack([train(0, 1, 4, 6), train(0, 3, 6, 9), train(2, 5), train()], 1)
    lv = local_variation(spikes).tolist()
    assert lv[0] == pytest.approx(3 / 2 * ((1 - 3) ** 2 / 4**2 + (3 - 2) ** 2 / 5**2)) and lv[1] == 0
    assert np.isnan(lv[2:]).all()
    cv = interval_cv(spikes).tolist()
    assert cv[0] == pytest.approx(np.std([1, 3, 2]) / 2) and cv[1] == 0 and np.isnan(cv[2:]).all()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.integers(1, 4))
def test_local_variation_is_its_formula_whatever_the_step(gaps, scale):
    at = np.cumsum([0, *gaps]) * scale
    i = np.asarray(gaps, dtype=float)
    wanted = 3 * np.mean(((i[:-1] - i[1:]) / (i[:-1] + i[1:])) ** 2)
    spikes = train(*at, steps=int(at[-1]) + 1)[:, None, None].expand(-1, 2, 3)
    got = local_variation(spikes)
    assert got.shape == (2, 3) and got.numpy() == pytest.approx(np.full((2, 3), wanted))


def test_poisson_trains_have_one_and_changing_rates_leave_local_variation_alone():
    draw = torch.Generator().manual_seed(0)
    still = torch.rand(20000, 1, 20, generator=draw) < 0.02
    rate = 0.02 * (1 + 0.9 * torch.sin(torch.arange(20000) / 1000))[:, None, None]
    swelling = torch.rand(20000, 1, 20, generator=draw) < rate
    assert local_variation(still).mean().item() == pytest.approx(1, abs=0.05)
    assert local_variation(swelling).mean().item() == pytest.approx(1, abs=0.07)
    assert interval_cv(swelling).mean().item() > 1.2


def test_one_rhythm_and_none():
    draw = torch.Generator().manual_seed(0)
    independent = (torch.rand(2000, 1, 50, generator=draw) < 0.1).float()
    together = independent[:, :, :1].expand(-1, -1, 50)
    both = torch.cat([independent, together], 1)
    assert synchrony(both).tolist() == pytest.approx([50**-0.5, 1], rel=0.1)
    apart, same = population_fano(both).tolist()
    assert apart == pytest.approx(0.9, rel=0.1) and same == pytest.approx(50 * 0.9, rel=0.1)
    r = correlation(both, window=5)
    assert r.shape == (2, 50, 50) and r[1].numpy() == pytest.approx(1)
    off = r[0][~torch.eye(50, dtype=torch.bool)]
    assert off.abs().mean() < 0.06
    np.testing.assert_allclose(r[0], np.corrcoef(independent[:, 0].unflatten(0, (400, 5)).sum(1).T), atol=1e-9)


def test_silence_and_windows():
    silent = torch.zeros(6, 1, 3)
    assert population_fano(silent).isnan().all() and synchrony(silent).isnan().all()
    assert correlation(silent).isnan().all()
    spikes = torch.tensor([[1.0, 0], [1, 1], [0, 0], [1, 1], [1, 1]])[:, None]
    assert population_fano(spikes, window=2).item() == pytest.approx(np.var([3, 2]) / 2.5)
    with pytest.raises(UserError, match="window of 7 steps"):
        synchrony(spikes, window=7)
