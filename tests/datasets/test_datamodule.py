"""The data module: facts before any reading, batches as promised, mistakes caught where T is known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from toy import NpyEvents, ToyEvents, ToyImages, ToySeries, write_npy

from snnctl.datasets.augment import FlipLR, Shift
from snnctl.datasets.batch import EventList
from snnctl.datasets.datamodule import DataModule
from snnctl.datasets.encodings import Delta, Direct, Latency, Poisson, Rate
from snnctl.datasets.facts import Facts
from snnctl.datasets.pool import Pool
from snnctl.errors import UserError


@pytest.fixture
def make(tmp_path):
    def module(source=ToyEvents, **options):
        return DataModule(source, **({"steps": 5, "batch_size": 4, "cache": tmp_path / "cache"} | options))

    return module


def only(loader):
    """(x, target, length, index) of every sample of a loader."""
    samples = [(b.x[:, k], *(int(field[k]) for field in b[1:])) for b in loader for k in range(len(b.target))]
    return samples


def test_facts_are_known_before_anything_is_read(make, monkeypatch):
    monkeypatch.setattr(ToyEvents, "read", lambda *_: pytest.fail("read"))
    monkeypatch.setattr(ToyEvents, "parts", lambda *_: pytest.fail("listed"))
    assert make().facts == Facts((2, 5, 6), ("a", "b", "c"), 0.02, 5)
    assert make(steps=None, dt=1e-3).facts == Facts((2, 5, 6), ("a", "b", "c"), 1e-3, 100)
    assert make(binning="per_sample").facts == Facts((2, 5, 6), ("a", "b", "c"), 1.0, 5)
    assert make(layout="stacked").facts == Facts((10, 5, 6), ("a", "b", "c"), 0.02, 1)
    assert make(transform={"pool": Pool(2)}).facts.shape == (2, 2, 3)
    assert make(lambda root: ToyEvents(root, varied=True), steps=None, dt=1e-3).facts.steps is None


def test_a_batch_of_events(make):
    module = make()
    module.prepare_data()
    module.setup()
    source = ToyEvents()
    for x, target, length, index in only(module.test_dataloader()):
        events = source.read("test", index).events
        expected = np.zeros((5, 2, 5, 6), np.float32)
        np.add.at(expected, (events["t"] // 20_000, events["p"], events["y"], events["x"]), 1)
        assert np.array_equal(x, expected) and x.dtype == torch.float32
        assert (target, length) == (index % 3, 5)


def test_stacked_and_listed_hold_the_same_as_frames(make):
    layouts = ("frames", "stacked", "events")
    frames, stacked, listed = (next(iter(make(layout=name).test_dataloader())) for name in layouts)
    assert stacked.x.shape == (1, 4, 10, 5, 6) and stacked.length.tolist() == [1] * 4
    assert torch.equal(stacked.x[0].view(4, 5, 2, 5, 6).transpose(0, 1), frames.x)
    assert isinstance(listed.x, EventList) and torch.equal(listed.x.dense(), frames.x)
    assert torch.equal(listed.length, frames.length)


def test_samples_of_different_length_are_padded_and_depend_on_nobody_else(make):
    def varied(root):
        return ToyEvents(root, varied=True)  # 100, 50 and 33.3 ms

    alone = only(make(varied, steps=None, dt=10e-3, batch_size=1).loader("train"))
    together = only(make(varied, steps=None, dt=10e-3, batch_size=7).loader("train"))
    assert {len(x) for x, *_ in together} == {10} and {len(x) for x, *_ in alone} == {10, 5, 4}
    for (x, target, length, index), (y, *rest) in zip(alone, together, strict=True):
        assert length == len(x) == -(-100 // (10 * (1 + index % 3)))
        assert torch.equal(y[:length], x) and not y[length:].any() and rest == [target, length, index]
    cropped = only(make(varied, steps=None, dt=10e-3, duration=45e-3).loader("train"))
    for (x, _, length, _), (y, *_) in zip(cropped, alone, strict=True):
        assert len(x) == 5 and length == min(5, len(y)) and torch.equal(x[:length], y[:length])


def test_an_augmentation_that_moves_time_leaves_padding_empty(make):
    def late(events):
        events["t"] += 20_000
        return events

    module = make(lambda root: ToyEvents(root, varied=True), steps=None, dt=10e-3, augment=[late])
    for x, _, length, _ in only(module.train_dataloader()):
        assert not x[length:].any() and x[2:length].any()


def test_an_augmentation_may_add_and_drop_events(make):
    def double(events):
        return np.concatenate([events, events])

    def counts(**options):
        return {index: float(x.sum()) for x, *_, index in only(make(**options).train_dataloader())}

    plain, doubled, none = counts(), counts(augment=[double]), counts(augment=[lambda events: events[:0]])
    assert doubled == {i: 2 * n for i, n in plain.items()} and set(none.values()) == {0.0}


def test_official_and_drawn_splits(make):
    module = make()
    module.setup()
    assert {k: len(v) for k, v in module.split.items()} == {"train": 27, "val": 3, "test": 10}
    drawn = make(lambda root: ToyEvents(root, official=False), val_fraction=0.0)
    drawn.setup()
    assert {k: len(v) for k, v in drawn.split.items()} == {"train": 24, "val": 0, "test": 6}
    assert drawn.val_dataloader() == []
    tested = [index for *_, index in only(drawn.test_dataloader())]
    assert tested == drawn.split["test"] and not set(tested) & set(drawn.split["train"])


def test_a_written_split_is_used(make):
    module = make(seed=9)
    module.load_split({"train": [3, 1], "val": [2], "test": [7]})
    assert [index for *_, index in only(module.loader("train"))] == [3, 1]
    assert [index for *_, index in only(module.test_dataloader())] == [7]
    elsewhere = make(lambda root: ToyEvents(root, n=6))
    elsewhere.load_split({"train": [3, 1], "val": [2], "test": [7]})
    with pytest.raises(UserError, match="test samples reach 7"):
        elsewhere.setup()


def test_a_set_with_nothing_but_a_test_part(make, tmp_path):
    module = make(NpyEvents, root=write_npy(tmp_path / "set", 6, "test"))
    assert len(only(module.test_dataloader())) == 6
    assert module.split["train"] == []


def test_skipped_recordings_are_named_and_in_no_split(make, tmp_path):
    root = write_npy(tmp_path / "set", 10)
    broken = NpyEvents(root).files("train")[4]
    broken.write_bytes(b"?")
    module = make(NpyEvents, root=root, on_error="skip", test_fraction=0.3)
    module.prepare_data()
    module.setup()
    assert list(module.skipped) == [str(broken)] and "truncated" in module.skipped[str(broken)]
    assert sorted(i for own in module.split.values() for i in own) == [i for i in range(10) if i != 4]
    assert sum(len(only(module.loader(name))) for name in module.split) == 9
    with pytest.raises(UserError, match=broken.name):
        make(NpyEvents, root=root).setup()


def test_still_images(make):
    module = make(ToyImages, duration=0.1, val_fraction=0.0)
    assert module.facts == Facts((1, 4, 3), ("a", "b"), 0.02, 5)
    batch = next(iter(module.loader("train")))
    assert batch.x.shape == (5, 4, 1, 4, 3) and batch.x.stride(0) == 0
    np.testing.assert_allclose(batch.x[4, :, 0, 0, 0], np.array([0, 10, 20, 30]) / 255, rtol=1e-6)
    stacked = make(ToyImages, duration=0.1, layout="stacked")
    assert stacked.facts == Facts((1, 4, 3), ("a", "b"), 0.02, 1)
    assert next(iter(stacked.loader("train"))).x.shape == (1, 4, 1, 4, 3)


def test_encoded_images(make):
    options = {"duration": 0.1, "encoding": Rate(), "val_fraction": 0.0}
    first, again = (next(iter(make(ToyImages, **options).train_dataloader())) for _ in range(2))
    assert torch.equal(first.x, again.x) and set(first.x.unique().tolist()) == {0, 1}
    loader = make(ToyImages, **options).train_dataloader()
    loader.set_epoch(1)
    epoch = {int(i): b.x[:, k] for b in loader for k, i in enumerate(b.index)}
    assert any(not torch.equal(first.x[:, k], epoch[int(i)]) for k, i in enumerate(first.index))
    evaluated = [only(make(ToyImages, **options, batch_size=n).test_dataloader()) for n in (1, 4)]
    assert all(torch.equal(a[0], b[0]) for a, b in zip(*evaluated, strict=True))
    stacked = make(ToyImages, layout="stacked", **options)
    assert stacked.facts.shape == (5, 4, 3) and next(iter(stacked.loader("train"))).x.shape == (1, 4, 5, 4, 3)


def test_augmented_images(make):
    module = make(ToyImages, duration=0.1, augment={"shift": Shift(1), "flip": FlipLR(1.0)}, transform=[Pool(1)])
    x = torch.cat([b.x[0].sum((1, 2, 3)) for b in module.train_dataloader()])
    plain = torch.cat([b.x[0].sum((1, 2, 3)) for b in module.loader("train")])
    assert x.sum() < plain.sum()


def test_series_keep_their_rows(make):
    module = make(ToySeries, steps=None, val_fraction=0.0, test_fraction=0.0)
    assert module.facts == Facts((2,), ("a", "b"), 10e-3, None)
    for x, _, length, index in only(module.loader("train")):
        assert length == 4 + index
        assert x[:length, 0].tolist() == list(range(length)) and not x[length:].any()


def test_series_as_changes(make):
    module = make(ToySeries, steps=None, duration=80e-3, encoding=Delta(1.0, signed=False), test_fraction=0.0)
    assert module.facts == Facts((4,), ("a", "b"), 10e-3, 8)
    for x, _, length, index in only(module.loader("train")):
        assert length == min(8, 4 + index)
        expected = torch.zeros(8, 4)
        expected[1:length, 0] = expected[1:length, 3] = 1  # channel 0 goes up, channel 1 down, by 1 a row
        assert torch.equal(x, expected)  # and nothing where the series ends and padding begins


def test_lightning_takes_it(make):
    import lightning

    seen = {"train": [], "val": [], "test": []}

    class Watch(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def training_step(self, batch, _):
            seen["train"].append((self.current_epoch, batch.index.tolist()))
            return self.weight * batch.x.sum()

        def validation_step(self, batch, _):
            seen["val"] += batch.index.tolist()

        def test_step(self, batch, _):
            seen["test"] += batch.index.tolist()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module, model = make(val_fraction=0.2), Watch()
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, datamodule=module)
    trainer.test(model, datamodule=module, verbose=False)
    orders = [[i for e, index in seen["train"] if e == epoch for i in index] for epoch in (0, 1)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) == module.split["train"]
    assert seen["val"] == module.split["val"] * 2 and seen["test"] == module.split["test"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"binning": "fixd"}, "binning is 'fixd'"),
        ({"layout": "frame"}, "layout is 'frame'"),
        ({"on_error": "ignore"}, "on_error is 'ignore'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"num_workers": -1}, "num_workers is -1"),
        ({"dt": 1e-3}, "both given"),
        ({"steps": None, "dt": 5.0}, "T would be 0"),
        ({"encoding": Rate()}, "holds events"),
        ({"source": ToyImages, "duration": 1.0, "layout": "events"}, "holds values"),
        ({"steps": None, "dt": 2e-6, "batch_size": 4096}, "GiB"),
        ({"augment": [Pool(2)]}, "changes the shape"),
        ({"source": partial(ToyEvents, varied=True), "steps": None, "dt": 1e-3, "layout": "stacked"}, "one length"),
    ],
)
def test_mistakes_are_caught_before_anything_is_read(make, options, problem):
    with pytest.raises(UserError, match=problem) as caught:
        _ = make(**options).facts
    assert caught.value.hint


def test_a_batch_too_large_is_caught_when_lengths_are_known(make):
    module = make(lambda root: ToyEvents(root, varied=True, n=9), steps=None, dt=1e-6, batch_size=4096)
    with pytest.raises(UserError, match="GiB"):
        module.setup()


def test_direct_encoding_of_events_is_allowed(make):
    assert make(encoding=Direct()).facts.steps == 5


@pytest.mark.parametrize("encoding", [Latency(), Poisson()])
def test_an_encoding_that_does_not_fit_says_so(make, encoding):
    module = make(ToySeries, steps=None, encoding=encoding)
    with pytest.raises(UserError, match="still images"):
        list(module.train_dataloader())


def test_accumulated_events_are_shown_at_every_step(make):
    frames, all_of_them = (next(iter(make(layout=name).test_dataloader())) for name in ("frames", "accumulated"))
    assert all_of_them.x.shape == frames.x.shape and all_of_them.x.stride(0) == 0
    assert torch.equal(all_of_them.x[0], frames.x.sum(0)) and all_of_them.x.sum() > 0
    assert all_of_them.length.tolist() == [len(frames.x)] * 4  # no step of it is padding


def test_some_samples_are_spread_over_a_split_that_is_sorted_by_class(make):
    data = make(val_fraction=0)
    data.setup()
    whole = [batch.index for batch in data.loader("train")]
    n = sum(map(len, whole))
    batch = data.some("train", 3)
    assert batch.index.tolist() == [0, n // 3, 2 * n // 3] and batch.x.shape[1] == 3
    assert data.some("train", 1000).index.tolist() == list(range(n))
