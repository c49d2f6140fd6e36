"""Decoders by hand: counts, membranes, spike times, populations; lengths; bad shapes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.metrics.decoders import (
    AllActivity,
    Count,
    LastMembrane,
    MaxMembrane,
    MeanMembrane,
    NGram,
    Population,
    ProportionWeighting,
    Rate,
    SpikeLikelihood,
    SpikeTimes,
    spike_times,
)
from snnctl.networks import Voting

# two samples of 4 and 3 steps, three neurons; what comes in padded steps is large, and must not matter
OUT = torch.tensor(
    [
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
        [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]],
        [[1.0, 0.0, 0.0], [3.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]],
    ]
)
LENGTH = torch.tensor([4, 3])
PLAIN = [Count(), Rate(), MaxMembrane(), MeanMembrane(), LastMembrane(), SpikeTimes(), SpikeTimes(2), Population(1)]


@pytest.mark.parametrize(
    ("decoder", "scores"),
    [
        (Count(), [[2, 1, 0], [3, 2, 0]]),
        (Rate(), [[0.5, 0.25, 0], [1, 2 / 3, 0]]),
        (MaxMembrane(), [[1, 1, 0], [3, 2, 0]]),
        (MeanMembrane(), [[0.5, 0.25, 0], [1, 2 / 3, 0]]),
        (LastMembrane(), [[0, 0, 0], [3, 0, 0]]),
        (SpikeTimes(), [[-1, 0, -4], [-2, -1, -3]]),
        (SpikeTimes(2), [[-1.5, -2, -4], [-2.5, -2, -3]]),
    ],
    ids=repr,
)
def test_by_hand(decoder, scores):
    torch.testing.assert_close(decoder.scores(OUT, LENGTH), torch.tensor(scores, dtype=torch.float32))


def test_the_first_of_equal_ones_is_predicted():
    assert MaxMembrane().predict(OUT, LENGTH).tolist() == [0, 0]
    assert Count().predict(torch.zeros(3, 2, 4)).tolist() == [0, 0]
    assert SpikeTimes().predict(OUT, LENGTH).tolist() == [1, 1]
    assert SpikeTimes().accuracy(OUT, torch.tensor([1, 0]), LENGTH) == 0.5


def test_a_population_votes():
    out = torch.zeros(2, 1, 6)
    out[0, 0] = torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    out[1, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    assert Population(2).scores(out, torch.tensor([2])).tolist() == [[2, 2, 2]]
    assert Population(3).scores(out, torch.tensor([2])).tolist() == [[3, 3]]
    assert Population(2, SpikeTimes()).scores(out, torch.tensor([2])).tolist() == [[0, -1, 0]]
    assert Voting(3)(out[0]).tolist() == [[1, 0, 0.5]]
    assert Voting(2)(out[1]).tolist()[0] == pytest.approx([1 / 3, 2 / 3])


def test_spike_times_and_their_gradient():
    out = OUT.clone().requires_grad_()
    times = spike_times(out, 2, LENGTH, dt=1e-3)
    inf = torch.inf
    expected = [[[1e-3, 0, inf], [2e-3, 1e-3, inf]], [[2e-3, inf, inf], [inf, inf, inf]]]
    torch.testing.assert_close(times, torch.tensor(expected))
    times[times.isfinite()].sum().backward()
    expected = torch.zeros(4, 2, 3)
    for at in [(1, 0, 0), (2, 0, 0), (0, 0, 1), (2, 1, 0), (1, 1, 1)]:
        expected[at] = -1e-3
    torch.testing.assert_close(out.grad, expected)


@given(st.integers(1, 6), st.integers(0, 3), st.data())
def test_padding_never_matters(steps, more, data):
    draw = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    out = (torch.rand(steps + more, 2, 4, generator=draw) < 0.4).float()
    length = torch.full((2,), steps)
    for decoder in PLAIN:
        torch.testing.assert_close(decoder.scores(out, length), decoder.scores(out[:steps], length))


@pytest.mark.parametrize("kind", [AllActivity, ProportionWeighting])
def test_labels_are_assigned_by_hand(kind):
    # counts of neurons 0, 1, 2: class 0: (2, 0, 0) and (4, 2, 0); class 1: (1, 3, 0)
    counts = torch.tensor([[2.0, 0.0, 0.0], [4.0, 2.0, 0.0], [1.0, 3.0, 0.0]])
    out = torch.stack([counts, torch.zeros_like(counts)])
    decoder = kind()
    decoder.start(3)
    decoder.add(out[:, :2], torch.tensor([0, 0]), torch.tensor([2, 2]))
    decoder.add(out[:, 2:], torch.tensor([1]), torch.tensor([2]))
    decoder.finish()
    assert decoder.rates.tolist() == [[3, 1, 0], [1, 3, 0], [0, 0, 0]]
    assert decoder.proportions.tolist() == [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0, 0]]
    assert decoder.labels.tolist() == [0, 1, -1]
    weight = 0.75 if kind is ProportionWeighting else 1.0
    scores = decoder.scores(out, torch.tensor([2, 2, 2]))
    assert scores.tolist() == [[2 * weight, 0, 0], [4 * weight, 2 * weight, 0], [weight, 3 * weight, 0]]
    assert decoder.predict(torch.zeros(2, 1, 3)).tolist() == [-1]
    decoder.start(2)
    assert decoder.labels is None


def test_spikes_speak_for_every_class_that_their_neuron_fires_for():
    decoder = SpikeLikelihood(smoothing=0.5)
    decoder.start(2)
    out = torch.tensor([[[6.0, 2.0, 0.0], [2.0, 2.0, 2.0]]])
    decoder.add(out, torch.tensor([0, 1]), torch.tensor([1, 1]))
    decoder.finish()  # mean rate 14 / 6, half of it 7 / 6: 43, 19, 7 and 19, 19, 19 sixths
    votes = torch.tensor([[43 / 69, 19 / 69, 7 / 69], [1 / 3, 1 / 3, 1 / 3]]).log()
    torch.testing.assert_close(decoder.votes(), votes)
    torch.testing.assert_close(decoder.scores(out, torch.tensor([1, 1])), out[0] @ votes.T)
    assert decoder.predict(out).tolist() == [0, 1]


def test_what_was_found_before_fades():
    decoder = AllActivity(keep=0.5)
    decoder.start(2)
    for _ in range(2):
        decoder.add(torch.full((1, 1, 1), 2.0), torch.tensor([0]), torch.tensor([1]))
        decoder.finish()
    assert decoder.rates.tolist() == [[3, 0]]  # 0.5 * 2 + 2; no sample of class 1


def test_ngrams_by_hand():
    out = torch.zeros(5, 1, 3)
    for t, neurons in enumerate([[0], [1, 2], [], [0]]):
        out[t, 0, neurons] = 1
    decoder = NGram(2)
    decoder.start(2)
    decoder.add(out, torch.tensor([1]), torch.tensor([5]))
    decoder.finish()
    assert {k: v.tolist() for k, v in decoder.seen.items()} == {
        (0, 1): [0, 1], (0, 2): [0, 1], (1, 0): [0, 1], (2, 0): [0, 1],
    }  # fmt: skip
    # the list of spikes is 0 1 2 0: pairs 0 1 and 1 2, the last one is left out
    assert decoder.scores(out, torch.tensor([5])).tolist() == [[0, 1]]
    assert decoder.predict(torch.zeros(5, 1, 3)).tolist() == [-1]
    assert decoder.scores(out, torch.tensor([1])).tolist() == [[0, 0]]  # one step of data


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda: Count().scores(torch.zeros(3, 2), torch.tensor([3, 3])), "Count: output of shape (3, 2)"),
        (
            lambda: Rate().scores(torch.zeros(3, 2, 4), torch.tensor([3])),
            "Rate: length of shape (1,)\nexpected",
        ),
        (lambda: SpikeTimes(0), "decoder.count is 0\nrange          1 and above, spikes"),
        (lambda: Population(0), "decoder.neurons is 0"),
        (lambda: Population(3).predict(torch.zeros(3, 2, 4)), "Population: 4 output neurons, 3 a class"),
        (lambda: AllActivity(-1.0), "decoder.keep is -1.0\nrange          finite, 0 or more, no unit"),
        (lambda: SpikeLikelihood(smoothing=0), "decoder.smoothing is 0\nrange          finite, above 0, no unit"),
        (lambda: AllActivity("half"), "decoder.keep is 'half'\nrange          finite, 0 or more, no unit"),
        (lambda: AllActivity().predict(torch.zeros(3, 2, 4)), "AllActivity: it has seen no labels"),
        (lambda: NGram().predict(torch.zeros(3, 2, 4)), "NGram: it has seen no labels"),
        (lambda: NGram(1), "decoder.n is 1\nrange          2 and above"),
        (lambda: Voting(3)(torch.zeros(2, 4)), "Voting: inputs of shape (2, 4), 3 classes"),
    ],
)
def test_bad_settings_and_shapes(bad, said):
    with pytest.raises(UserError) as error:
        bad()
    assert str(error.value).startswith(said)


def test_membranes_are_no_spikes():
    decoder = AllActivity()
    decoder.start(2)
    with pytest.raises(UserError, match="by spikes, and these outputs go below 0"):
        decoder.add(torch.tensor([[[0.3, -0.2]]]), torch.tensor([0]), torch.tensor([1]))


def test_labels_of_another_network_are_refused():
    decoder = AllActivity()
    decoder.start(2)
    with pytest.raises(UserError, match="seen no samples"):
        decoder.finish()
    decoder.add(torch.ones(2, 1, 3), torch.tensor([0]), torch.tensor([2]))
    decoder.finish()
    with pytest.raises(UserError, match="4 output neurons, labels for 3"):
        decoder.predict(torch.ones(2, 1, 4))
