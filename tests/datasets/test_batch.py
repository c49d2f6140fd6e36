"""EventList: its dense form, and its way to a device in a batch."""

from __future__ import annotations

import pickle

import torch

from snnctl.datasets.batch import Batch, EventList


def two_steps():
    # step 0: sample 0 has codes 1, 1; sample 1 none.  step 1: sample 0 has 5; sample 1 has 0, 2
    return EventList(torch.tensor([1, 1, 5, 0, 2], dtype=torch.int32), torch.tensor([0, 2, 2, 3, 5]), 2, 2, (2, 1, 3))


def test_dense():
    x = two_steps()
    expected = torch.zeros(2, 2, 6)
    expected[0, 0, 1], expected[1, 0, 5], expected[1, 1, 0], expected[1, 1, 2] = 2, 1, 1, 1
    assert x.shape == (2, 2, 2, 1, 3)
    assert torch.equal(x.dense(), expected.view(2, 2, 2, 1, 3))


def test_an_empty_list_is_zeros():
    x = EventList(torch.empty(0, dtype=torch.int32), torch.zeros(7, dtype=torch.int64), 3, 2, (4,))
    assert torch.equal(x.dense(), torch.zeros(3, 2, 4))


def test_lightning_moves_a_batch_of_events():
    from lightning.fabric.utilities.apply_func import move_data_to_device

    batch = Batch(two_steps(), torch.tensor([0, 1]), torch.tensor([2, 2]), torch.tensor([4, 5]))
    moved = move_data_to_device(batch, torch.device("meta"))
    assert isinstance(moved, Batch) and isinstance(moved.x, EventList)
    assert moved.x.codes.is_meta and moved.x.offsets.is_meta and moved.target.is_meta
    assert (moved.x.steps, moved.x.batch, moved.x.size) == (2, 2, (2, 1, 3))


def test_survives_pickling():
    again = pickle.loads(pickle.dumps(two_steps()))
    assert torch.equal(again.dense(), two_steps().dense())
