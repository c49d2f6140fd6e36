"""Codes by order and phase: single, rank order, phases, first spikes, currents into neurons."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.datasets.encodings import (
    Current,
    Delta,
    Direct,
    FirstSpikes,
    Latency,
    Phase,
    RankOrder,
    Rate,
    Single,
    WeightedPhase,
)
from snnctl.errors import UserError
from snnctl.neurons import LIF

VALUES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12)


def image(*values):
    return torch.tensor(values).view(1, 1, len(values))


def times(x):
    """(T, 1, N) -> step of the one spike of each, -1 without."""
    assert (x.sum(0) <= 1).all()
    return torch.where(x.any(0), x.argmax(0), -1)[0].tolist()


def test_single_fires_the_largest_at_once():
    x = Single(0.5)(image(0.1, 0.9, 0.4, 0.8), 3, 1e-3, ())
    assert x[0, 0].tolist() == [0, 1, 0, 1] and not x[1:].any()
    assert Single(0.0)(image(0.1, 0.9), 2, 1e-3, ()).sum() == 0
    two = torch.tensor([[0.1, 0.2, 0.3], [10.0, 20.0, 30.0]])[None]
    assert Single(0.4)(two, 1, 1e-3, ())[0].tolist() == [[0, 0, 1], [0, 0, 1]]  # each sample's own quantile


def test_rank_order():
    assert times(RankOrder()(image(0.2, 0.9, 0.0, 0.5, 0.9), 8, 1e-3, ())) == [6, 0, -1, 4, 0]  # ranks 3 0 - 2 0 of 4
    assert times(RankOrder(within=0.5)(image(0.2, 0.9, 0.0, 0.5, 0.7), 8, 1e-3, ())) == [3, 0, -1, 2, 1]
    reciprocal = RankOrder("reciprocal")
    assert times(reciprocal(image(1.0, 0.5, 0.25, 0.0), 8, 1e-3, ())) == [1, 3, 7, -1]
    assert times(RankOrder("reciprocal", weakest=False)(image(1.0, 0.5, 0.25), 8, 1e-3, ())) == [1, 3, -1]
    assert not RankOrder("reciprocal")(image(0.0, 0.0), 4, 1e-3, ()).any()


@given(VALUES, st.integers(1, 20))
def test_larger_values_never_come_later_in_rank_order(values, steps):
    t = times(RankOrder()(image(*values), steps, 1e-3, ()))
    for a, b in [(i, j) for i in range(len(values)) for j in range(len(values))]:
        if values[a] > values[b] > 0:
            assert t[a] <= t[b]


def test_phase():
    x = Phase(4e-3)(image(1.0, 0.6, 0.0), 9, 1e-3, ())[:, 0]
    assert x[:, 0].nonzero().flatten().tolist() == [0, 4, 8]
    assert x[:, 1].nonzero().flatten().tolist() == [1, 5] and x[:, 2].sum() == 0  # at the threshold of 0
    ramp = torch.tensor([1.0, 1.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]).view(8, 1, 1)
    assert Phase(4e-3)(ramp, 8, 1e-3, ()).flatten().tolist() == [1, 0, 1, 0, 0, 0, 0, 0]
    with pytest.raises(UserError, match="2 steps"):
        Phase(1e-3)(image(0.5), 4, 1e-3, ())


def test_weighted_phase():
    x = WeightedPhase(3)(image(0.0, 0.625, 1.0), 6, 1e-3, ())[:, 0]
    assert x[:, 1].tolist() == [1, 0, 1, 1, 0, 1] and x[:, 2].tolist() == [1] * 6 and not x[:, 0].any()


@given(VALUES, st.integers(1, 12))
def test_a_weighted_period_adds_up_to_the_value(values, bits):
    x = WeightedPhase(bits, weighted=True)(image(*values), bits, 1e-3, ())
    short = torch.tensor(values) - x.sum(0)[0]
    assert (short >= 0).all() and (short <= 2.0**-bits).all()


def test_first_spikes_keep_the_first_also_of_several():
    spikes = torch.tensor([[0.0, 2.0], [1.0, 0.0], [1.0, -1.0]]).view(3, 1, 2)
    assert FirstSpikes()(spikes, 3, 1e-3, ())[:, 0].tolist() == [[0, 2], [1, 0], [0, 0]]
    assert FirstSpikes(Delta(signed=False)).shape((3,)) == (6,) and FirstSpikes(Direct()).shape((3,)) == (3,)


def test_currents_into_neurons_by_hand():
    # v += (x - v) / 10: 0.2, 0.38, ..., passes 1 at the step k with 2 (1 - 0.9^(k+1)) > 1, k = 6
    neuron = partial(LIF, tau_mem=10e-3, decay="euler", input_gain="dt/tau", reset="zero")
    x = Current(neuron, gain=2.0)(image(1.0, 0.4), 16, 1e-3, ())[:, 0]
    assert x[:, 0].nonzero().flatten().tolist() == [6, 13] and not x[:, 1].any()
    first = FirstSpikes(Current(neuron(), gain=2.0))(image(1.0), 16, 1e-3, ())
    assert times(first) == [6]
    assert not Current(neuron)(image(3.0), 4, 1e-3, ()).requires_grad


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: Single(1.5), "Single: sparsity is 1.5\nrange          0 to 1, share of the places"),
        (lambda: RankOrder(within=0.0), "RankOrder: within is 0.0\nrange          above 0 to 1, share of the steps"),
        (lambda: WeightedPhase(2.5), "WeightedPhase: bits is 2.5"),
        (lambda: WeightedPhase(0), "WeightedPhase: bits is 0"),
        (lambda: Phase(0.0), "Phase: period is 0.0"),
        (lambda: WeightedPhase()(image(1.2), 4, 1e-3, ()), "a value is 1.2\nrange          0 to 1"),
        (lambda: RankOrder()(image(-1.0), 4, 1e-3, ()), "a value is -1\nrange          finite, 0 or more"),
        (lambda: Current(LIF, gain=float("inf")), "Current: gain is inf"),
        (lambda: Current(LIF)(image(float("nan")), 4, 1e-3, ()), "Current: a value is nan"),
    ],
)
def test_bad_settings_and_values(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert said in str(error.value)


@pytest.mark.parametrize("code", [Single(), RankOrder(), WeightedPhase(), Latency()], ids=lambda c: type(c).__name__)
def test_codes_of_still_images_refuse_series(code):
    with pytest.raises(UserError, match="still images"):
        code(torch.rand(5, 1, 2), 5, 1e-3, ())


@pytest.mark.parametrize(
    "code",
    [Single(), RankOrder(), RankOrder("reciprocal"), Phase(), WeightedPhase(), Rate(), Current(LIF, gain=0.4)],
    ids=lambda c: type(c).__name__,
)
def test_a_sample_depends_on_nobody_else(code):
    from snnctl.datasets.draws import generator

    values = torch.rand(1, 4, 2, 3, generator=torch.Generator().manual_seed(0))
    rngs = [generator(0, 0, i, "encoding") for i in range(4)]
    together = code(values, 30, 1e-3, rngs)
    for b in range(4):
        alone = code(values[:, b : b + 1], 30, 1e-3, [generator(0, 0, b, "encoding")])
        assert torch.equal(together[:, b], alone[:, 0])
