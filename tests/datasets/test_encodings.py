"""Encodings: formulas by hand, statistics, and that a sample's draws depend on nobody else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from snnctl.datasets.draws import generator
from snnctl.datasets.encodings import Direct, Latency, Periodic, Poisson, Rate
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
    x = Rate(outside="clip")(image(0.0, 0.2, 1.0, 3.0, -1.0), 20_000, 1e-3, rngs(1)).mean(0)[0]
    np.testing.assert_allclose(x, [0, 0.2, 1, 1, 0], atol=0.01)
    x = Rate(max_rate=200.0)(image(0.0, 0.5, 1.0), 20_000, 1e-3, rngs(1)).mean(0)[0]
    np.testing.assert_allclose(x, [0, 0.1, 0.2], atol=0.01)


def test_rate_of_a_series_follows_it():
    values = torch.zeros(6, 1, 1)
    values[2] = values[3] = 1.0
    assert Rate()(values, 6, 1e-3, rngs(1)).flatten().tolist() == [0, 0, 1, 1, 0, 0]


def test_rate_with_an_offset_a_start_and_signs():
    x = Rate(offset=0.3, start=0.5)(image(0.0, 0.2), 20_000, 1e-3, rngs(1))
    assert not x[:500].any()
    np.testing.assert_allclose(x[500:].mean(0)[0], [0.3, 0.5], atol=0.015)
    x = Rate(max_rate=500.0, signed=True)(image(-1.0, -0.4, 0.0, 0.4), 20_000, 1e-3, rngs(1))
    assert set(x.unique().tolist()) == {-1.0, 0.0, 1.0}
    np.testing.assert_allclose(x.mean(0)[0], [-0.5, -0.2, 0, 0.2], atol=0.015)


def test_a_start_shifts_no_draw():
    still = image(0.4, 0.7)
    assert torch.equal(Rate(start=5e-3)(still, 30, 1e-3, rngs(1))[5:], Rate()(still, 30, 1e-3, rngs(1))[5:])


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


def test_poisson_distributed_intervals_are_more_regular():
    code = Poisson(max_rate=50.0, intervals="poisson")
    x = code(image(0.0, 1.0, 1.0), 20_000, 1e-3, rngs(1))[:, 0]
    intervals = np.diff(np.flatnonzero(x[:, 1].numpy()))
    assert not x[:, 0].any() and x.max() == 1 and not torch.equal(x[:, 1], x[:, 2])
    np.testing.assert_allclose(intervals.mean(), 20, rtol=0.03)  # steps: 1 / (50 Hz 1 ms)
    np.testing.assert_allclose(intervals.var(), 20, rtol=0.15)  # a Poisson process: 400
    assert code(image(40.0), 10, 1e-3, rngs(1)).mean() > 0.5  # a rate of 2 a step: intervals of 0 become 1


def test_latency_linear():
    x = Latency()(image(1.0, 0.75, 0.5, 0.01, 0.0), 8, 1e-3, ())  # t_max = 8 ms: 0, 2, 4 ms; at, below threshold
    assert x[:, 0].argmax(0).tolist()[:3] == [0, 2, 4]
    assert x.sum(0)[0].tolist() == [1, 1, 1, 0, 0]
    early = Latency(t_max=4e-3)(image(1.0, 0.75, 0.5), 8, 1e-3, ())
    assert early[:, 0].argmax(0).tolist() == [0, 1, 2]


def test_latency_exponential_and_rounded():
    # T = 9: times 8, 8 (1 - 1/2), 0, and of exp -tau ln(v + (1 - v) e^-8)
    code = Latency(threshold=0.0, below="latest", rounding="nearest")
    x = code(image(0.0, 0.5, 1.0), 9, 1e-3, ())[:, 0]
    assert x.sum(0).tolist() == [1, 1, 1] and x.argmax(0).tolist() == [8, 4, 0]
    code = Latency("exp", tau=1e-3, threshold=0.0, below="latest", rounding="nearest")
    x = code(image(0.0, 0.05, 0.3, 1.0), 9, 1e-3, ())[:, 0]
    assert x.argmax(0).tolist() == [8, 3, 1, 0]  # -ln 0.0503 = 2.99, -ln 0.3002 = 1.20


def test_latency_stretched_to_the_last_step_by_each_sample():
    code = Latency("log", tau=5e-3, threshold=0.2, rounding="nearest", normalize=True, start=2e-3, below="latest")
    values = torch.tensor([[1.0, 0.5, 0.3], [0.9, 0.8, 0.0]])[None]
    x = code(values, 20, 1e-3, ())
    t = x.argmax(0)
    assert (x.sum(0) == 1).all() and t[0, 2] == 19 and t[1, 2] == 19  # the latest of each
    ratio = math.log(1 / 0.8) / math.log(0.3 / 0.1)
    assert t[0, 0] == round(2 + 17 * ratio)


def test_latency_log():
    v, threshold, tau = [1.0, 0.5, 0.21, 0.2], 0.2, 10e-3
    t = [tau * math.log(u / (u - threshold)) for u in v[:3]]  # 2.23, 5.11, 30.4 ms
    x = Latency("log", tau=tau, threshold=threshold)(image(*v), 20, 1e-3, ())[:, 0]
    assert x.sum(0).tolist() == [1, 1, 0, 0]  # the third comes after the sample's end, the last never
    assert x.argmax(0).tolist()[:2] == [math.floor(t[0] * 1e3), math.floor(t[1] * 1e3)]


@pytest.mark.parametrize(
    "encoding",
    [Rate(), Poisson(200.0), Poisson(200.0, intervals="poisson"), Latency(), Direct()],
    ids=lambda e: type(e).__name__,
)
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


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: Rate(-1.0), "Rate: max_rate is -1.0\nrange          finite, 0 or more, Hz"),
        (lambda: Rate(offset=2.0), "Rate: offset is 2.0\nrange          -1 to 1, chance a step"),
        (lambda: Poisson(0.0), "Poisson: max_rate is 0.0\nrange          finite, above 0, Hz"),
        (lambda: Poisson(refractory=float("nan")), "Poisson: refractory is nan\nrange          finite, 0 or more, s"),
        (lambda: Poisson(intervals="expnential"), "Poisson: intervals is 'expnential'\ndid you mean   exponential"),
        (lambda: Latency(tau="1e-3"), "Latency: tau is '1e-3'\nrange          finite, above 0, s"),
        (lambda: Latency("cubic"), "Latency: mode is 'cubic'"),
        (lambda: Periodic(True), "Periodic: period is True"),
        (lambda: Rate(outside="keep"), "Rate: outside is 'keep'"),
    ],
)
def test_impossible_settings_are_named_with_their_range(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("encoding", "values", "said"),
    [
        (Rate(), image(0.5, 3.0), "is 3\nrange          0 to 1, a step"),
        (Rate(max_rate=2000.0), image(0.75), "the chance max_rate dt v + offset is 1.5\nrange          0 to 1"),
        (Rate(signed=True), image(-1.5), "is 1.5\nrange          0 to 1, a step"),
        (Poisson(), image(-0.25), "Poisson: a value is -0.25\nrange          finite, 0 or more, shares of max_rate"),
        (Latency(), image(255.0), "Latency: a value is 255\nrange          0 to 1, no unit"),
        (Latency(), image(float("nan")), "Latency: a value is nan\nrange          0 to 1, no unit"),
        (Poisson(outside="clip"), image(float("inf")), "Poisson: a value is inf"),
        (Direct(), image(float("nan")), "Direct: a value is nan\nrange          finite"),
        (Periodic(), image(float("-inf")), "Periodic: a value is -inf\nrange          finite"),
    ],
)
def test_a_value_outside_the_range_is_named_with_it(encoding, values, said):
    with pytest.raises(UserError) as error:
        encoding(values, 5, 1e-3, rngs(1))
    assert said in str(error.value)


def test_periodic_repeats():
    series = torch.arange(5.0).view(5, 1, 1)
    assert Periodic()(series, 12, 1e-3, ()).flatten().tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert Periodic(2e-3)(series, 5, 1e-3, ()).flatten().tolist() == [0, 1, 0, 1, 0]
