"""Store-recall: each sample shows what it should, when it should, and its answer is the bit of its store."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.datasets.store_recall import StoreRecall, answer
from snnctl.errors import UserError


def counts(source: StoreRecall, part: str, i: int) -> np.ndarray:
    """Spikes of each population in each period, (L, 4)."""
    recording = source.read(part, i)
    events, us = recording.events, source.period * 1e6
    table = np.zeros((round(recording.stop / us), 4), int)
    np.add.at(table, ((events["t"] // us).astype(int), events["x"] // source.population), 1)
    return table


@settings(max_examples=40, deadline=None)
@given(
    periods=st.integers(1, 8).map(lambda n: 2 * n),
    repetitions=st.integers(1, 3),
    population=st.integers(1, 6),
    period=st.floats(0.05, 0.5),
    i=st.integers(0, 1000),
    part=st.sampled_from(["train", "test"]),
)
def test_a_sample_is_its_plan_in_spikes(periods, repetitions, population, period, i, part):
    source = StoreRecall(periods=periods, repetitions=repetitions, population=population, period=period)
    plan, recording = source.plan(part, i), source.read(part, i)
    trials = [rows[n * periods : (n + 1) * periods] for n in range(repetitions) for rows in [plan.store]]
    assert [np.flatnonzero(trial).size for trial in trials] == [1] * repetitions
    assert all(np.flatnonzero(trial)[0] < periods // 2 for trial in trials)
    recalls = np.flatnonzero(plan.recall)
    assert [n // periods for n in recalls] == list(range(repetitions))
    assert all(n % periods >= periods // 2 for n in recalls) and recalls[-1] == len(plan.recall) - 1
    assert (plan.shown[plan.recall] == -1).all() and np.isin(plan.shown[~plan.recall], (0, 1)).all()
    events = recording.events
    assert (np.diff(events["t"]) >= 0).all() and events["x"].max(initial=0) < 4 * population == source.shape[0]
    assert recording.start == 0 and recording.stop == round(len(plan.shown) * period * 1e6)
    assert events["t"].max(initial=0) < recording.stop
    there = np.stack([plan.shown == 0, plan.shown == 1, plan.store, plan.recall], axis=1)
    when = np.minimum((events["t"] + 0.5) // (period * 1e6), len(there) - 1).astype(int)  # t is floored
    assert there[when, events["x"] // population].all()  # nobody fires who has nothing to say


def test_rates_are_those_asked_for():
    source = StoreRecall(rate=100.0, command_rate=50.0, population=5, period=0.2)
    shown, store = [], []
    for i in range(60):
        plan, table = source.plan("train", i), counts(source, "train", i)
        shown += [table[n, value] for n, value in enumerate(plan.shown) if value >= 0]
        store += list(table[plan.store, 2]) + list(table[plan.recall, 3])
    assert np.mean(shown) == pytest.approx(100, rel=0.03)  # 5 neurons, 100 Hz, 0.2 s
    assert np.mean(store) == pytest.approx(50, rel=0.05)


def test_the_answer_is_the_bit_of_the_last_store_and_no_other():
    source = StoreRecall(samples=400, test_samples=300, repetitions=2)
    parts = source.parts()
    assert {k: v.shape for k, v in parts.items()} == {"train": (400,), "test": (300,)}
    for part, labels in parts.items():
        plans = [source.plan(part, i) for i in range(len(labels))]
        assert [answer(plan) for plan in plans] == labels.tolist()
        assert [int(plan.shown[12:][plan.store[12:]][0]) for plan in plans] == labels.tolist()
        assert abs(labels.mean() - 0.5) < 0.1
    late = np.array([np.flatnonzero(source.plan("train", i).recall)[-1] - 18 for i in range(400)])
    assert set(late) == set(range(6))
    assert abs(np.corrcoef(late, parts["train"])[0, 1]) < 0.15  # how long a sample is tells nothing


def test_the_same_seed_gives_the_same_samples_and_another_does_not():
    source, other = StoreRecall(samples=20), StoreRecall(samples=20, seed=1)
    source.parts()
    again = pickle.loads(pickle.dumps(source))
    assert "_labels" not in vars(again)
    assert (again.read("test", 5).events == source.read("test", 5).events).all()
    assert not np.array_equal(other.read("test", 5).events, source.read("test", 5).events)
    assert not np.array_equal(source.read("train", 5).events, source.read("test", 5).events)
    assert len({source.fingerprint(), other.fingerprint(), StoreRecall(samples=20, rate=50.0).fingerprint()}) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"samples": 0}, {"test_samples": 1.5}, {"periods": 11}, {"periods": 0}, {"repetitions": 0}, {"population": True},
     {"period": 0.0}, {"rate": -1.0}, {"command_rate": float("nan")}],
)  # fmt: skip
def test_parameters_out_of_range(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        StoreRecall(**wrong)
