"""Spike times in continuous time against a solver of their own, and their gradient against finite differences."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from snnctl.errors import RunFailed
from snnctl.neurons import LI, CubaLIF
from snnctl.regimes.eventprop.exact import Constants, constants, fire, first_times, integrate

DT = 1e-3
EXPECTED = [0.4416622381, 0.7817245733, 1.0396544678, 1.2313392965, 1.3697378063]
TAUS = [(20e-3, 5e-3), (5e-3, 20e-3), (10e-3, 10e-3)]


def neuron(mem: float = 20e-3, syn: float = 5e-3, v_reset: float = 0.0) -> Constants:
    return Constants(mem, syn, 1000.0, 1.0, v_reset)


def response(s: float, of: Constants) -> float:
    """v a time s after a unit of current, by the integral itself."""
    u = np.linspace(0, s, 4001)
    return float(np.trapezoid(of.gain * np.exp(-u / of.tau_syn) * np.exp(-(s - u) / of.tau_mem), u))


def by_hand(inputs: list[tuple[float, float]], of: Constants, end: float) -> list[float]:
    """Spike times of one neuron for inputs (time, weight), by a scan of 2 us and Brent's method."""
    found, i, v, now = [], 0.0, 0.0, 0.0
    k = 1 / (1 / of.tau_mem - 1 / of.tau_syn)

    def at(s):
        return v * math.exp(-s / of.tau_mem) + of.gain * i * k * (math.exp(-s / of.tau_syn) - math.exp(-s / of.tau_mem))

    for (start, weight), (stop, _) in pairwise([*inputs, (end, 0.0)]):
        i, now = i + weight, start
        while True:
            grid = np.linspace(0, stop - now, max(3, int((stop - now) / 2e-6)))
            above = [n for n in range(1, len(grid)) if at(grid[n - 1]) < of.threshold <= at(grid[n])]
            if not above:
                break
            s = brentq(lambda s: at(s) - of.threshold, grid[above[0] - 1], grid[above[0]], xtol=1e-16)
            found.append(now + s)
            i, v, now = i * math.exp(-s / of.tau_syn), of.v_reset, now + s
        v, i = at(stop - now), i * math.exp(-(stop - now) / of.tau_syn)
    return found


def test_a_response_has_the_values_written_out():
    of = neuron()
    grid = torch.zeros(5, 1, 1, dtype=torch.float64)
    grid[0] = 0.5
    v = integrate(grid, None, None, of, DT).flatten()
    expected = EXPECTED  # 0.5 * 1000 * (exp(-t / 5 ms) - exp(-t / 20 ms)) / (50 - 200), t = 1 to 5 ms
    torch.testing.assert_close(v.tolist(), expected, rtol=1e-7, atol=0)
    assert expected[0] == pytest.approx(response(1e-3, of) * 0.5, rel=1e-6)


@pytest.mark.parametrize(
    "layer", [LI(tau_mem=20e-3, tau_syn=5e-3), LI(tau_mem=5e-3, tau_syn=5e-3, input_gain="1-decay")]
)
def test_a_membrane_that_does_not_fire_is_that_of_the_steps(layer):
    x = torch.rand(12, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(integrate(x, None, None, constants(layer, DT), DT), layer(x, dt=DT)[0])


def test_the_first_spike_falls_into_the_step_in_which_the_plain_neuron_fires():
    layer = CubaLIF(tau_mem=20e-3, tau_syn=5e-3, reset="zero")
    x = torch.rand(20, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.3
    out = layer(x, dt=DT)[0]
    times = first_times(fire(x, None, None, constants(layer, DT), DT), (4, 3), torch.full((4,), 20 * DT)) / DT
    assert torch.equal(out.argmax(0), times.ceil().long() - 1)


@pytest.mark.parametrize("v_reset", [0.0, -0.5])
@pytest.mark.parametrize(("mem", "syn"), TAUS[:2])
def test_spike_times_are_those_of_a_solver_of_their_own(mem, syn, v_reset):
    of = neuron(mem, syn, v_reset)
    draw = np.random.default_rng(1)
    weights = draw.normal(0.15, 0.3, 15)
    found = fire(torch.tensor(weights)[:, None, None], None, None, of, DT)
    expected = by_hand([(n * DT, w) for n, w in enumerate(weights)], of, 15 * DT)
    assert len(expected) >= 3
    np.testing.assert_allclose(found.times, expected, rtol=1e-9)


def networks(seed: int, mem: float, syn: float):
    """Two layers and a readout: weights, and a number made of spike times and membranes of both."""
    draw = torch.Generator().manual_seed(seed)
    of = neuron(mem, syn, -0.2)
    steps, batch, sizes = 12, 2, (5, 4, 3)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    x = (normal(steps, batch, sizes[0]) > 0.5).double()
    weights = [0.25 * normal(4, 5) + 0.1, 0.3 * normal(3, 4) + 0.15]
    share = normal(batch, 3)

    def value(first, second):
        hidden = fire(x @ first.t(), None, None, of, DT)
        bias = torch.full((steps, batch, 3), 0.01, dtype=torch.float64)
        out = fire(bias, hidden, second, of, DT)
        times = first_times(out, (batch, 3), torch.full((batch,), steps * DT)) / DT
        v = integrate(bias, hidden, second, of, DT)
        return (times * share).sum() + (v**2).mean(), (len(hidden.times), len(out.times))

    return weights, value


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), taus=st.sampled_from(TAUS))
def test_the_gradient_is_that_of_finite_differences(seed, taus):
    weights, value = networks(seed, *taus)
    weights = [w.requires_grad_() for w in weights]
    total, counts = value(*weights)
    total.backward()
    h = 1e-7
    with torch.no_grad():
        for w in weights:
            slopes = torch.zeros_like(w)
            for k in range(w.numel()):
                w.view(-1)[k] += h
                up, count_up = value(*weights)
                w.view(-1)[k] -= 2 * h
                down, count_down = value(*weights)
                w.view(-1)[k] += h
                if not count_up == counts == count_down:
                    return  # a spike came or went: there is no derivative here
                slopes.view(-1)[k] = (up - down) / (2 * h)
            scale = slopes.abs().max().clamp(min=1e-6)
            assert ((w.grad - slopes) / scale).abs().max() < 1e-4


def test_gradients_are_not_zero_where_something_fires():
    weights, value = networks(3, 20e-3, 5e-3)
    weights = [w.requires_grad_() for w in weights]
    total, counts = value(*weights)
    total.backward()
    assert min(counts) > 0 and all(w.grad.abs().sum() > 0 for w in weights)


def test_a_layer_that_runs_away_is_stopped():
    grid = torch.full((2, 1, 1), 1e9, dtype=torch.float64)
    with pytest.raises(RunFailed, match="fires more than 100 times"):
        fire(grid, None, None, neuron(), DT)
