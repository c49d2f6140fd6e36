"""Encodings where they are used: in a data module's batches, with its facts, padding and workers."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.encodings import (
    Current,
    FirstSpikes,
    Periodic,
    Phase,
    Population,
    RankOrder,
    Rate,
    SpatialFields,
    TemporalFields,
    WeightedPhase,
)
from snnctl.neurons import LIF
from tests.datasets.toy import ToyImages, ToySeries

IMAGES = [
    RankOrder(),
    Phase(40e-3),
    WeightedPhase(),
    Population(4, then=Rate()),
    SpatialFields(3, domain=2.0),
    FirstSpikes(Current(partial(LIF, tau_mem=50e-3), gain=20.0)),
]
SERIES = [TemporalFields(2), Periodic(30e-3), Population(4, low=-20.0, high=20.0), Rate(outside="clip")]


def module(source, tmp_path, **options) -> DataModule:
    return DataModule(source, root=tmp_path, cache=tmp_path / "cache", batch_size=4, val_fraction=0.0, **options)


def name(encoding) -> str:
    return type(encoding).__name__


@pytest.mark.parametrize("encoding", IMAGES, ids=name)
def test_images_in_batches(tmp_path, encoding):
    data = module(ToyImages, tmp_path, steps=5, duration=0.1, encoding=encoding)
    batches = list(data.train_dataloader())
    assert all(b.x.shape == (5, len(b.target), *data.facts.shape) for b in batches)
    assert any((b.x != 0).any() for b in batches)
    workers = module(ToyImages, tmp_path, steps=5, duration=0.1, encoding=encoding, num_workers=2)
    for ours, theirs in zip(batches, workers.train_dataloader(), strict=True):
        assert torch.equal(ours.x, theirs.x)


@pytest.mark.parametrize("encoding", SERIES, ids=name)
def test_series_in_batches(tmp_path, encoding):
    data = module(ToySeries, tmp_path, encoding=encoding, test_fraction=0.0)
    seen = 0
    for batch in data.loader("train"):
        assert batch.x.shape[2:] == data.facts.shape
        for b, length in enumerate(batch.length):
            assert not batch.x[length:, b].any()
            seen += int(length < len(batch.x))
    assert seen  # some were padded
