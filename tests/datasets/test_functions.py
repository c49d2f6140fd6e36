"""Functions of time as targets: what they are, drawn from where, and as batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.facts import Facts
from snnctl.datasets.functions import Functions
from snnctl.errors import UserError


def module(tmp_path, source=None, **options) -> DataModule:
    given = {"dt": 1e-3, "batch_size": 4, "val_fraction": 0, "cache": tmp_path}
    return DataModule(source or Functions(rows=5, train=3), **{**given, **options})


def test_a_ramp_and_its_root():
    source = Functions(rows=5, seed=1)
    x, y = source.read("train", 0).values, source.traces("train")
    end, slope = float(x[-1, 0]), float(y[0, -1, 0]) ** 2 / float(x[-1, 0])
    assert 0 < end < 1 and 0 < slope < 1
    np.testing.assert_allclose(x[:, 0], [0, end / 4, end / 2, 3 * end / 4, end], rtol=1e-6)
    root = (end * slope) ** 0.5
    np.testing.assert_allclose(y[0, :, 0], root * np.array([0, 0.5, 0.70710678, 0.8660254, 1]), rtol=1e-5)


@settings(max_examples=20)
@given(
    st.integers(0, 2**31), st.integers(1, 4), st.integers(0, 3), st.integers(2, 20), st.sampled_from(["linear", "sqrt"])
)
def test_every_output_is_the_curve_of_its_input(seed, train, test, rows, curve):
    source = Functions(curve=curve, rows=rows, train=train, test=test, seed=seed)
    parts = source.parts()
    x = {p: np.stack([source.read(p, i).values for i in range(len(parts[p]))]) for p in parts}
    y = {p: source.traces(p) for p in parts}
    slope = y["train"][0, -1] ** 2 / x["train"][0, -1]  # one of the whole set
    for part in parts:
        assert x[part].shape == y[part].shape == (len(parts[part]), rows, 1)
        np.testing.assert_allclose(y[part], x[part] if curve == "linear" else np.sqrt(slope * x[part]), rtol=1e-4)
    same = len(parts["test"]) == train and np.array_equal(x["test"], x["train"])
    assert same == (test == 0)


def test_another_seed_is_another_function():
    assert not np.array_equal(Functions(seed=1).traces("train"), Functions(seed=2).traces("train"))


def test_facts_and_batches_hold_the_traces(tmp_path):
    data = module(tmp_path)
    assert data.facts == Facts((1,), ("y",), 1e-3, 5, "traces")
    assert data.facts.outputs == "1 trace" and data.facts.title(3, None) == "sample 3"
    (batch,) = data.test_dataloader()
    assert batch.x.shape == batch.target.shape == (5, 3, 1) and batch.target.dtype == torch.float32
    np.testing.assert_array_equal(batch.target.transpose(0, 1), data.source.traces("test"))
    shuffled = next(iter(data.train_dataloader()))
    np.testing.assert_array_equal(shuffled.target.transpose(0, 1), data.source.traces("train")[shuffled.index])


def test_a_trace_is_put_on_the_time_grid_as_its_input_is(tmp_path):
    linear = Functions(curve="linear", rows=5, train=2)
    for options in ({"dt": 2e-3}, {"dt": 0.5e-3}, {"duration": 3e-3}, {"duration": 8e-3}):
        (batch,) = module(tmp_path, linear, **options).test_dataloader()
        torch.testing.assert_close(batch.target, batch.x)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"curve": "cubic"}, "dataset.source.curve is 'cubic'"),
        ({"rows": 1}, "dataset.source.rows is 1"),
        ({"train": 0}, "dataset.source.train is 0"),
        ({"test": True}, "dataset.source.test is True"),
        ({"period": 0.0}, "dataset.source.period"),
    ],
)
def test_wrong_settings(wrong, named):
    with pytest.raises(UserError, match=named):
        Functions(**wrong)


def test_traces_are_followed_step_by_step(tmp_path):
    with pytest.raises(UserError, match="traces as targets"):
        module(tmp_path, layout="stacked", duration=5e-3)
