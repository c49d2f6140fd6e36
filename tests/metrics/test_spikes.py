"""Statistics of spike trains."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.metrics import SpikeStatistics


def train(*steps: int, length: int = 12) -> list[float]:
    return [1.0 if t in steps else 0.0 for t in range(length)]


def test_by_hand():
    # two samples of two neurons: (T, B, N)
    spikes = torch.tensor(
        [
            [train(0, 2, 4, 6), train()],  # intervals 2, 2, 2: a clock
            [train(0, 1, 4), train(3, 11)],  # intervals 1, 3: std / mean = 1 / 2; one interval alone is none
        ]
    ).permute(2, 0, 1)
    statistics = SpikeStatistics(dt=2e-3, window=4)
    statistics.update({"n": spikes}, torch.tensor([12, 12]))
    (row,) = statistics.rows()
    assert (row.layer, row.neurons) == ("n", 2)
    assert row.rate == pytest.approx(9 / 48)
    assert row.rate_hz == pytest.approx(9 / 48 / 2e-3)
    assert row.silent == 0
    assert row.isi_cv == pytest.approx((0 + 0.5) / 2)
    assert row.lv == pytest.approx((0 + 3 * (2 / 4) ** 2) / 2)
    # counts in windows of 4: neuron 0: 2 2 0 2 1 0, neuron 1: 0 0 0 1 0 1
    zero, one = torch.tensor([2.0, 2, 0, 2, 1, 0]), torch.tensor([0.0, 0, 0, 1, 0, 1])
    assert row.fano == pytest.approx(((zero.var() / zero.mean() + one.var() / one.mean()) / 2).item())


def test_what_is_padded_and_how_samples_are_batched_do_not_count():
    torch.manual_seed(0)
    spikes = (torch.rand(40, 6, 3, 2) < 0.3).float()
    length = torch.tensor([40, 25, 13, 40, 8, 31])
    together, apart = SpikeStatistics(1e-3, window=5), SpikeStatistics(1e-3, window=5)
    padded = spikes.clone()
    for b, n in enumerate(length):
        padded[n:, b] = float("nan")
    together.update({"n": padded}, length)
    for b, n in enumerate(length):
        apart.update({"n": spikes[:n, b : b + 1]}, length[b : b + 1])
    assert together.rows()[0] == pytest.approx(apart.rows()[0])


def test_poisson_trains_have_one_in_both():
    spikes = (torch.rand(4000, 4, 25, generator=torch.Generator().manual_seed(0)) < 0.01).float()
    statistics = SpikeStatistics(dt=1e-3, window=100)
    statistics.update({"n": spikes}, torch.full((4,), 4000))
    (row,) = statistics.rows()
    assert row.isi_cv == pytest.approx(1, abs=0.05)
    assert row.lv == pytest.approx(1, abs=0.05)
    assert row.fano == pytest.approx(1, abs=0.05)


def test_several_spikes_in_a_step_and_silence():
    spikes = torch.zeros(6, 1, 4)
    spikes[1, 0, 0] = 3.0
    statistics = SpikeStatistics(dt=1e-3, window=2)
    statistics.update({"n": spikes, "m": torch.zeros(6, 1, 2)}, torch.tensor([6]))
    n, m = statistics.rows()
    assert n.rate == pytest.approx(3 / 24) and n.silent == 0.75 and n.isi_cv is n.lv is None
    assert m == ("m", 2, 0.0, 0.0, 1.0, None, None, None)


def test_a_window_of_nothing_is_refused():
    with pytest.raises(UserError, match="window"):
        SpikeStatistics(1e-3, window=0)
