"""Listing and clearing caches."""

from __future__ import annotations

from toy import ToyEvents, ToyImages

from snnctl.datasets.cache import open_or_build
from snnctl.datasets.cache_list import clear, entries
from snnctl.datasets.pool import Pool
from snnctl.lock import held


def test_lists_set_size_and_date(tmp_path):
    open_or_build(ToyEvents(n=6), where=tmp_path)
    open_or_build(ToyEvents(n=6), (Pool(2),), (2, 2, 3), tmp_path)
    open_or_build(ToyImages(), where=tmp_path)
    assert sorted(e.set for e in entries(tmp_path)) == ["ToyEvents", "ToyEvents", "ToyImages"]
    (images,) = entries(tmp_path, "toyimages")
    assert images.samples == {"train": 12, "test": 4} and images.skipped == 0
    assert images.bytes == sum(f.stat().st_size for f in images.path.iterdir()) > 16 * 12
    assert images.created[:2] == "20" and len(images.created) == 19
    assert any("Pool(kernel=2" in e.transforms[0] for e in entries(tmp_path, "ToyEvents") if e.transforms)


def test_clears_one_set_or_all(tmp_path):
    open_or_build(ToyEvents(n=6), where=tmp_path)
    open_or_build(ToyImages(), where=tmp_path)
    size = entries(tmp_path, "ToyEvents")[0].bytes
    assert clear(tmp_path, "toyevents") == size
    assert [e.set for e in entries(tmp_path)] == ["ToyImages"]
    assert clear(tmp_path) > 0 and entries(tmp_path) == [] and clear(tmp_path) == 0


def test_clears_damaged_and_abandoned_ones_and_nothing_of_others(tmp_path):
    path = open_or_build(ToyEvents(n=6), where=tmp_path).path
    (path / "meta.json").unlink()
    abandoned, busy = (tmp_path / f".toyevents-{digit * 16}.building" for digit in "ab")
    for left in (abandoned, busy, tmp_path / "mine"):
        left.mkdir()
        (left / "train.t").write_bytes(b"1234")
    with held(tmp_path / f".toyevents-{'b' * 16}.lock"):
        clear(tmp_path)
    assert not path.exists() and not abandoned.exists()
    assert busy.exists() and (tmp_path / "mine" / "train.t").exists()


def test_no_folder_no_caches(tmp_path):
    assert entries(tmp_path / "none") == [] and clear(tmp_path / "none") == 0
