"""Encodings: formulas by hand, statistics, and that a sample's draws depend on nobody else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from snnctl.datasets.draws import generator
from snnctl.datasets.encodings import Delta, Direct, Latency, Poisson, Rate
from snnctl.errors import UserError


def rngs(n, first=0):
    return [generator(0, 0, first + i, "encoding") for i in range(n)]


def image(*values):
    return torch.tensor(values).view(1, 1, len(values))


def test_direct_is_a_view():
    values = torch.rand(1, 3, 2, 4, 4)
    x = Direct()(values, 10, 1e-3, ())
    assert x.shape == (10, 3, 2, 4, 4) and x.stride(0) == 0 and x.data_ptr() == values.data_ptr()
    series = torch.rand(10, 3, 4)
    assert torch.equal(Direct()(series, 10, 1e-3, ()), series)


def test_rate_fires_in_proportion():
    x = Rate()(image(0.0, 0.2, 1.0, 3.0), 20_000, 1e-3, rngs(1)).mean(0)[0]
    np.testing.assert_allclose(x, [0, 0.2, 1, 1], atol=0.01)
    x = Rate(max_rate=200.0)(image(0.0, 0.5, 1.0), 20_000, 1e-3, rngs(1)).mean(0)[0]
    np.testing.assert_allclose(x, [0, 0.1, 0.2], atol=0.01)


def test_rate_of_a_series_follows_it():
    values = torch.zeros(6, 1, 1)
    values[2] = values[3] = 1.0
    assert Rate()(values, 6, 1e-3, rngs(1)).flatten().tolist() == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("dt", [1e-3, 20e-3])
def test_poisson_counts_do_not_depend_on_dt(dt):
    x = Poisson(max_rate=80.0)(image(0.0, 0.25, 1.0), round(100 / dt), dt, rngs(1))[:, 0]
    np.testing.assert_allclose(x.sum(0) / 100, [0, 20, 80], rtol=0.06, atol=0)
    np.testing.assert_allclose(x[:, 2].var() / x[:, 2].mean(), 1, atol=0.1)  # as of a Poisson process


def test_poisson_refractory_period():
    x = Poisson(max_rate=500.0, refractory=5e-3)(image(1.0), 20_000, 1e-3, rngs(1)).flatten()
    times = np.flatnonzero(x.numpy())
    assert x.max() == 1 and np.diff(times).min() >= 5
    np.testing.assert_allclose(x.sum() / 20, 1 / (5e-3 + 2e-3), rtol=0.05)


def test_latency_linear():
    x = Latency()(image(1.0, 0.75, 0.5, 0.01, 0.0), 8, 1e-3, ())  # t_max = 8 ms: 0, 2, 4 ms; at, below threshold
    assert x[:, 0].argmax(0).tolist()[:3] == [0, 2, 4]
    assert x.sum(0)[0].tolist() == [1, 1, 1, 0, 0]
    early = Latency(t_max=4e-3)(image(1.0, 0.75, 0.5), 8, 1e-3, ())
    assert early[:, 0].argmax(0).tolist() == [0, 1, 2]


def test_latency_log():
    v, threshold, tau = [1.0, 0.5, 0.21, 0.2], 0.2, 10e-3
    t = [tau * math.log(u / (u - threshold)) for u in v[:3]]  # 2.23, 5.11, 30.4 ms
    x = Latency("log", tau=tau, threshold=threshold)(image(*v), 20, 1e-3, ())[:, 0]
    assert x.sum(0).tolist() == [1, 1, 0, 0]  # the third comes after the sample's end, the last never
    assert x.argmax(0).tolist()[:2] == [math.floor(t[0] * 1e3), math.floor(t[1] * 1e3)]


def test_delta_by_hand():
    series = torch.tensor([0.0, 0.05, 0.1, 0.35, 0.3, 0.0]).view(6, 1, 1)
    # reference: 0, 0, 0.1, 0.3, 0.3, 0.0
    assert Delta(0.1)(series, 6, 1e-3, ()).flatten().tolist() == [0, 0, 1, 2, 0, -3]
    planes = Delta(0.1, signed=False)
    x = planes(series, 6, 1e-3, ())
    assert planes.shape((1,)) == (2,) and Delta(0.1).shape((1,)) == (1,)
    assert x[:, 0, 0].tolist() == [0, 0, 1, 2, 0, 0] and x[:, 0, 1].tolist() == [0, 0, 0, 0, 0, 3]


@pytest.mark.parametrize("encoding", [Rate(), Poisson(200.0), Latency(), Direct()], ids=lambda e: type(e).__name__)
def test_a_sample_depends_on_nobody_else_and_not_on_length(encoding):
    values = torch.rand(1, 4, 2, 3, generator=torch.Generator().manual_seed(0))
    together = encoding(values, 12, 5e-3, rngs(4))
    for b in range(4):
        alone = encoding(values[:, b : b + 1], 12, 5e-3, rngs(1, first=b))
        assert torch.equal(together[:, b], alone[:, 0])
    if not isinstance(encoding, Latency):  # its time of the smallest value is the sample's end
        assert torch.equal(encoding(values, 20, 5e-3, rngs(4))[:12], together)


@pytest.mark.parametrize("encoding", [Poisson(), Latency()], ids=lambda e: type(e).__name__)
def test_encodings_of_still_images_refuse_series(encoding):
    with pytest.raises(UserError, match="still images"):
        encoding(torch.rand(5, 1, 2), 5, 1e-3, rngs(1))


@pytest.mark.parametrize("bad", [lambda: Poisson(0.0), lambda: Delta(0.0), lambda: Latency("cubic")])
def test_impossible_settings(bad):
    with pytest.raises(UserError):
        bad()
