"""Classes as spike trains, by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.datasets.draws import generator
from snnctl.datasets.encodings import Latency, LatencyTargets, RateTargets
from snnctl.datasets.encodings.targets import ramps
from snnctl.errors import UserError

CLASSES = torch.tensor([2, 0])


def test_rates_by_hand():
    y = RateTargets(0.5, 0.25, start=1e-3)(CLASSES, 3, 8, 1e-3)
    high, low = [0, 1, 0, 1, 0, 1, 0, 1], [0, 1, 0, 0, 0, 1, 0, 0]
    assert y.shape == (8, 2, 3)
    assert y[:, 0].T.tolist() == [low, low, high] and y[:, 1].T.tolist() == [high, low, low]
    y = RateTargets(on=2.0, off=-1.0)(CLASSES, 3, 2, 1e-3)
    assert y[0].tolist() == [[-1, -1, 2], [2, -1, -1]]


def test_ramps_by_hand():
    spikes = torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    assert ramps(spikes).tolist() == [0, 0.5, 1, 0, 1, 1, 0]
    assert ramps(spikes, 3.0, 1.0).tolist() == [1, 2, 3, 1, 3, 3, 1]
    assert ramps(torch.zeros(3)).tolist() == [0, 0, 0]


@given(st.floats(0.05, 1.0), st.sampled_from(["uniform", "bernoulli"]), st.integers(0, 5))
def test_drawn_trains_keep_their_start_and_are_each_samples_own(rate, pattern, start):
    code = RateTargets(rate, 0.0, pattern, start=start * 1e-3)
    rngs = [generator(0, 0, i, "targets") for i in (4, 7)]
    y = code(CLASSES, 3, 40, 1e-3, rngs)
    assert not y[:start].any() and set(y.unique().tolist()) <= {0.0, 1.0}
    assert y[:, 0, :2].sum() == 0 and y[:, 1, 1:].sum() == 0
    alone = code(CLASSES[1:], 3, 40, 1e-3, [generator(0, 0, 7, "targets")])
    assert torch.equal(y[:, 1:], alone)


def test_bernoulli_rates():
    y = RateTargets(0.6, 0.2, "bernoulli")(CLASSES, 3, 5000, 1e-3, [generator(0, 0, i, "targets") for i in range(2)])
    assert y.mean(0)[0].tolist() == pytest.approx([0.2, 0.2, 0.6], abs=0.03)


def test_latency_by_hand():
    y = LatencyTargets()(CLASSES, 3, 10, 1e-3)
    assert (y.sum(0) == 1).all() and y.argmax(0).tolist() == [[9, 9, 0], [0, 9, 9]]
    silent = LatencyTargets(Latency(), on=2.0, off=0.5)(CLASSES, 3, 10, 1e-3)
    assert silent[0].tolist() == [[0.5, 0.5, 2], [2, 0.5, 0.5]] and (silent[1:] == 0.5).all()
    ramp = LatencyTargets(ramp=True)(CLASSES, 3, 5, 1e-3)
    assert ramp[:, 0].T.tolist() == [[0, 0.25, 0.5, 0.75, 1], [0, 0.25, 0.5, 0.75, 1], [1, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: RateTargets(1.5), "RateTargets: correct_rate is 1.5\nrange          0 to 1, spikes a step"),
        (lambda: RateTargets(0.2, 0.5), "RateTargets: incorrect_rate is 0.5\nrange          0 to 0.2"),
        (lambda: RateTargets(pattern="random"), "pattern is 'random'"),
        (lambda: RateTargets(0.5, pattern="uniform")(CLASSES, 3, 4, 1e-3), "pattern uniform draws"),
        (lambda: RateTargets()(CLASSES, 2, 4, 1e-3), "targets: a class is 2\nrange          0 to 1, index of a class"),
        (lambda: LatencyTargets()(-CLASSES, 3, 4, 1e-3), "targets: a class is -2"),
    ],
)
def test_bad_settings_and_classes(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert said in str(error.value)
