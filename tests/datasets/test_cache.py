"""The cache: content, keys, and what happens when builds are killed, raced, starved of space or fed broken files."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import tonic.transforms as tt
from toy import EVENT, NpyEvents, ToyEvents, ToyImages, ToySeries, write_npy

from snnctl.datasets import cache_write
from snnctl.datasets.cache import Cache, folder, open_or_build
from snnctl.datasets.codes import decode
from snnctl.datasets.pool import Pool
from snnctl.datasets.recording import Recording
from snnctl.errors import UserError

HERE = Path(__file__).parent


def only(where: Path) -> Path:
    (found,) = where.glob("*/meta.json")
    return found.parent


def python(code: str, *args, **kwargs) -> subprocess.Popen:
    head = f"import sys\nsys.path.insert(0, {str(HERE)!r})\n"
    path = os.pathsep.join([str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", head + textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, text=True, stdout=subprocess.PIPE, **kwargs)


BUILD = """
    from toy import ToyEvents
    from snnctl.datasets.cache import open_or_build
    print("go", flush=True)
    cache = open_or_build(ToyEvents(n=40, slow=float(sys.argv[2])), where=sys.argv[1])
    print(int(cache["train"].offsets[-1]), flush=True)
"""


def test_holds_what_was_read(tmp_path):
    source = ToyEvents(n=9)
    cache = open_or_build(source, where=tmp_path)
    for part, labels in source.parts().items():
        stored = cache[part]
        assert len(stored.offsets) == len(labels) + 1 and stored.code.dtype == np.uint16
        for i in range(len(labels)):
            own = slice(stored.offsets[i], stored.offsets[i + 1])
            assert np.array_equal(decode(stored.t[own], stored.code[own], source.shape), source.read(part, i).events)
            assert stored.extent[i] == 100_000


def test_values_are_rows(tmp_path):
    images = open_or_build(ToyImages(), where=tmp_path)["train"]
    assert images.values.shape == (12, 1, 4, 3) and images.values.dtype == np.uint8 and images.values[7].max() == 70
    series = open_or_build(ToySeries(), where=tmp_path)["train"]
    assert series.offsets.tolist()[:3] == [0, 4, 9] and series.values.dtype == np.float32
    assert np.array_equal(series.values[4:9, 1], [0, -1, -2, -3, -4]) and series.period[1] == 0.01


def test_the_second_time_nothing_is_read(tmp_path, monkeypatch):
    first = open_or_build(ToyEvents(), where=tmp_path)
    monkeypatch.setattr(ToyEvents, "read", lambda *_: pytest.fail("read again"))
    assert np.array_equal(open_or_build(ToyEvents(), where=tmp_path)["train"].t, first["train"].t)


def test_transforms_are_part_of_the_key_and_of_the_content(tmp_path):
    plain = open_or_build(ToyEvents(), where=tmp_path)
    pooled = open_or_build(ToyEvents(), (Pool(2),), (2, 2, 3), tmp_path)
    denoised = open_or_build(ToyEvents(), (tt.Denoise(filter_time=3000),), where=tmp_path)
    assert len({plain.path, pooled.path, denoised.path}) == 3
    assert pooled["train"].code.max() < 12 < plain["train"].code.max()
    assert len(denoised["train"].t) < len(plain["train"].t)
    jitter = tt.SpatialJitter(sensor_size=(6, 5, 2), clip_outliers=True)
    one, other = (open_or_build(ToyEvents(), (jitter,), where=tmp_path / name)["train"].code for name in "ab")
    assert np.array_equal(one, other)  # what draws is cached as drawn, from an address


def test_a_part_is_pickled_as_its_place(tmp_path):
    part = open_or_build(ToyEvents(), where=tmp_path)["train"]
    told = pickle.dumps(part)
    assert len(told) < 500 and np.array_equal(pickle.loads(told).code, part.code)


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNCTL_CACHE", str(tmp_path / "a"))
    assert folder() == tmp_path / "a" and folder(tmp_path / "b") == tmp_path / "b"
    monkeypatch.delenv("SNNCTL_CACHE")
    assert folder() == Path.home() / ".cache" / "snnctl"


def test_progress_counts_every_recording(tmp_path):
    seen = []
    open_or_build(ToyEvents(n=6), where=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 8) for k in range(1, 9)]


@pytest.mark.parametrize("damage", ["truncate", "remove", "meta", "format"])
def test_a_damaged_cache_is_built_again(tmp_path, damage, capsys):
    whole = open_or_build(ToyEvents(), where=tmp_path)["train"].code.copy()
    path = only(tmp_path)
    if damage == "truncate":
        os.truncate(path / "train.code", 100)
    elif damage == "remove":
        (path / "test.t").unlink()
    elif damage == "meta":
        (path / "meta.json").write_text('{"format": 1')
    else:
        (path / "meta.json").write_text('{"format": 0}')
    with pytest.raises(ValueError):
        Cache(path)
    assert np.array_equal(open_or_build(ToyEvents(), where=tmp_path)["train"].code, whole)
    assert "damaged" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == [f".{path.name}.lock", path.name]


def test_a_killed_build_leaves_nothing_and_the_next_succeeds(tmp_path):
    with python(BUILD, tmp_path, 0.05) as process:
        assert process.stdout.readline() == "go\n"
        deadline = time.time() + 30
        while not list(tmp_path.glob(".*.building/train.t")) and time.time() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert list(tmp_path.glob(".*.building")), "it was killed before it began to write"
    assert not list(tmp_path.glob("*/meta.json"))
    cache = open_or_build(ToyEvents(n=40), where=tmp_path)
    assert len(cache["train"].offsets) == 41
    assert not list(tmp_path.glob(".*.building"))


def test_two_processes_build_once(tmp_path):
    processes = [python(BUILD, tmp_path, 0.02, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert told[0][0] == told[1][0] and told[0][0].startswith("go\n")
    assert sum("another process builds" in err for _, err in told) == 1
    assert len(list(tmp_path.glob("*/meta.json"))) == 1 and not list(tmp_path.glob(".*.building"))


def test_a_full_disk_says_what_is_needed_and_leaves_the_rest_whole(tmp_path):
    before = open_or_build(ToyEvents(n=5), where=tmp_path)
    held = before["train"].code.copy()
    code = """
        import resource
        from toy import ToyEvents
        from snnctl.datasets.cache import open_or_build
        from snnctl.errors import UserError
        big = ToyEvents(n=3000)
        big.fingerprint()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))
        try:
            open_or_build(big, where=sys.argv[1])
        except UserError as error:
            print(error)
    """
    with python(code, tmp_path) as process:
        told, _ = process.communicate(timeout=60)
    assert "does not fit" in told and "MB needed" in told and "SNNCTL_CACHE" in told
    assert np.array_equal(Cache(before.path)["train"].code, held)
    assert len(list(tmp_path.glob("*/meta.json"))) == 1 and not list(tmp_path.glob(".*.building"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_that_is_really_full(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", tmp_path], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(UserError, match="does not fit"):
            open_or_build(ToyEvents(n=3000), where=tmp_path)
        assert not list(tmp_path.glob(".*.building"))
        assert len(open_or_build(ToyEvents(n=9), where=tmp_path)["train"].offsets) == 10
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as caught:
        open_or_build(ToyEvents(), where=tmp_path / "file" / "cache")
    assert "SNNCTL_CACHE" in caught.value.hint and "dataset.cache" in caught.value.hint


def test_a_read_only_folder_names_the_setting(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(cache_write, "write", refuse)
    with pytest.raises(UserError, match="Read-only") as caught:
        open_or_build(ToyEvents(), where=tmp_path)
    assert "SNNCTL_CACHE" in caught.value.hint


def test_a_broken_recording_stops_or_is_skipped(tmp_path):
    root = write_npy(tmp_path / "set")
    broken = NpyEvents(root).files("train")[2]
    broken.write_bytes(broken.read_bytes()[:200])
    with pytest.raises(UserError, match=broken.name) as caught:
        open_or_build(NpyEvents(root), where=tmp_path / "cache")
    assert caught.value.hint
    assert not list((tmp_path / "cache").glob("*/meta.json"))

    cache = open_or_build(NpyEvents(root), where=tmp_path / "cache", on_error="skip")
    assert cache.missing("train") == [2] and list(cache.skipped) == [str(broken)]
    assert np.diff(cache["train"].offsets).tolist() == [50, 50, 0, 50, 50, 50]
    with pytest.raises(UserError, match=broken.name):  # what was skipped once is no reason to be silent now
        open_or_build(NpyEvents(root), where=tmp_path / "cache")

    np.save(broken, np.load(root / "train" / "0_000.npy"))  # mended: another key
    assert open_or_build(NpyEvents(root), where=tmp_path / "cache").missing("train") == []


def test_nothing_but_broken_recordings(tmp_path):
    root = write_npy(tmp_path / "set", 2)
    for path in NpyEvents(root).files("train"):
        path.write_bytes(b"?")
    with pytest.raises(UserError, match="none of the 2"):
        open_or_build(NpyEvents(root), where=tmp_path / "cache", on_error="skip")


@pytest.mark.parametrize(
    ("recording", "problem"),
    [
        (Recording(events=np.zeros(0, EVENT)), "no event"),
        (Recording(events=np.array([(0, 6, 0, 0)], EVENT), stop=1), "outside of the sensor"),
        (Recording(events=np.array([(0, 0, 0, 2)], EVENT), stop=1), "outside of the sensor"),
        (Recording(events=np.array([(0, 0, 0, 0), (2**32, 0, 0, 0)], EVENT), stop=1), "lasts 4294.97 s"),
    ],
)
def test_recordings_that_cannot_be(tmp_path, monkeypatch, recording, problem):
    monkeypatch.setattr(ToyEvents, "read", lambda *_: recording)
    with pytest.raises(UserError, match=problem) as caught:
        open_or_build(ToyEvents(n=3), where=tmp_path)
    assert "train 0" in caught.value.problem


def test_events_out_of_order_and_before_the_start(tmp_path, monkeypatch):
    own = np.array([(30, 1, 0, 0), (10, 2, 0, 0), (20, 3, 0, 0)], EVENT)
    monkeypatch.setattr(ToyEvents, "read", lambda *_: Recording(events=own, start=15, stop=25))
    part = open_or_build(ToyEvents(n=1, official=False), where=tmp_path)["train"]
    assert part.t.tolist() == [5, 15] and part.code.tolist() == [3, 1]
    assert part.extent.tolist() == [16]  # stop moved behind the last event


def test_values_that_are_not_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(ToySeries, "read", lambda *_: Recording(values=np.full((3, 2), np.nan), period=0.01))
    with pytest.raises(UserError, match="NaN"):
        open_or_build(ToySeries(), where=tmp_path)
