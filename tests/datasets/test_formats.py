"""Readers of single recordings: what they decode, and what they refuse."""

from __future__ import annotations

import sys

import event_files as files
import h5py
import numpy as np
import pytest

from snnctl.datasets.formats import MODULES, read_events
from snnctl.errors import UserError

SOME = files.events((0, 3, 7, 1), (5, 33, 0, 0), (5, 0, 33, 1), (70_000, 12, 20, 0))


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return all(np.array_equal(found[name], expected[name]) for name in ("t", "x", "y", "p"))


def refused(path, *words: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read_events(path)
    assert caught.value.exit_code == 2 and str(path) in caught.value.problem and caught.value.hint
    for word in words:
        assert word in caught.value.problem, caught.value.problem
    return caught.value


def npz(path, e, **more):
    np.savez(path, t=e["t"], x=e["x"], y=e["y"], p=e["p"], **more)
    return path


def npy(path, e):
    np.save(path, e)
    return path


def h5(path, e):
    with h5py.File(path, "w") as file:
        file["events/ts"], file["events/xs"], file["events/ys"], file["events/ps"] = (
            e[n] for n in ("t", "x", "y", "p")
        )
        file["events"].attrs.update(width=34, height=34)
    return path


WRITERS = {
    "a.bin": files.atis, "a.dat": files.dat, "a.raw": files.evt2, "a.npz": npz, "a.npy": npy, "a.h5": h5
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_reads_what_was_written(tmp_path, name):
    found = read_events(WRITERS[name](tmp_path / name, SOME))
    assert same(found.events, SOME)
    sensor = {"a.dat": (240, 304), "a.raw": (480, 640), "a.h5": (34, 34)}.get(name)
    assert found.sensor == sensor


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("damage", ["cut", "other", "nothing", "absent"])
def test_damaged_files_are_named(tmp_path, name, damage):
    path = WRITERS[name](tmp_path / name, SOME)
    raw = path.read_bytes()
    if damage == "cut":
        path.write_bytes(raw[: len(raw) - 3])
        refused(path, "bytes" if name in ("a.bin", "a.dat", "a.raw") else "truncated")
    elif damage == "other":
        path.write_bytes(b"RIFF" + raw[4:])
        refused(path, "RIFF")
    elif damage == "nothing":
        path.write_bytes(b"")
        refused(path, "0 bytes")
    else:
        path.unlink()
        refused(path, "not there")


@pytest.mark.parametrize("name", WRITERS)
def test_time_that_runs_backwards(tmp_path, name):
    wrong = SOME[[0, 3, 1, 2]]
    if name == "a.raw":
        path = files.words16(tmp_path / name, 0x8000, 0x6010, 0x0005, 0x2003, 0x6008, 0x2004)
        wrong = files.events((16, 3, 5, 0), (8, 4, 5, 0))
        problem = refused(path, "event 1 of 2 (t=8, x=4, y=5, p=0)", "8 us before").hint
    else:
        path = WRITERS[name](tmp_path / name, wrong)
        problem = refused(path, "event 2 of 4 (t=5, x=33, y=0, p=0)", "69995 us before").hint
    assert "source.sort" in problem
    assert same(read_events(path, sort=True).events, wrong[np.argsort(wrong["t"], kind="stable")])


def test_evt3_words(tmp_path):
    """Every kind of word: rows, single events, vectors of 12 and 8, both halves of time, triggers in between."""
    path = files.words16(
        tmp_path / "a.raw",
        0x2005,  # an event before any time: left out
        0x8001, 0x6002, 0x0064,  # t = 0x1002, y = 100
        0x2805,  # x = 5, ON
        0xA001,  # external trigger
        0x380A, 0x4003, 0x5081,  # from x = 10, ON: 12 pixels with bits 0 and 1, then 8 with bits 0 and 7
        0x3014, 0x5002,  # from x = 20, OFF: bit 1
        0xE0FF, 0x7001, 0xF001,  # others, continued
        0x8002, 0x2007,  # a new high half: the low half is 0 until it is told
        0x6003, 0x0865, 0x2008,  # y = 101, of a second camera (bit 11)
    )  # fmt: skip
    expected = files.events(
        (0x1002, 5, 100, 1), (0x1002, 10, 100, 1), (0x1002, 11, 100, 1), (0x1002, 22, 100, 1), (0x1002, 29, 100, 1),
        (0x1002, 21, 100, 0), (0x2000, 7, 100, 0), (0x2003, 8, 101, 0),
    )  # fmt: skip
    found = read_events(path)
    assert same(found.events, expected) and found.sensor == (720, 1280)


def test_evt3_clock_goes_round(tmp_path):
    path = files.words16(tmp_path / "a.raw", 0x8FFF, 0x6FFF, 0x0000, 0x2001, 0x8000, 0x6001, 0x2002)
    assert read_events(path).events["t"].tolist() == [(1 << 24) - 1, (1 << 24) + 1]


def test_evt2_clock_goes_round(tmp_path):
    path = tmp_path / "a.raw"
    words = np.array([0x8FFFFFFF, 0x0FC00000, 0x80000000, 0x10400000], "<u4")
    path.write_bytes(b"% evt 2.0\n" + words.tobytes())
    assert read_events(path).events["t"].tolist() == [(1 << 34) - 1, (1 << 34) + 1]


def test_dat_clock_goes_round(tmp_path):
    e = files.events(((1 << 32) - 2, 1, 2, 1), ((1 << 32) + 3, 4, 5, 0))
    assert same(read_events(files.dat(tmp_path / "a.dat", e)).events, e)


def test_atis_overflow(tmp_path):
    e = files.events((8_388_000, 1, 2, 1), (8_388_700, 3, 4, 0), (8_397_000, 5, 6, 1))
    path = files.atis(tmp_path / "a.bin", e)
    assert path.stat().st_size == 5 * (3 + 2)  # two overflow events, which are no events
    assert same(read_events(path).events, e)


def test_raw_of_other_kinds(tmp_path):
    reserved = files.words16(tmp_path / "a.raw", 0x8000, 0x6001, 0x1234)
    refused(reserved, "word 2 of 3", "reserved type 0x1")
    refused(files.words16(tmp_path / "b.raw", 0x8000, header="% evt 2.1\n"), "EVT 2.1")
    refused(files.words16(tmp_path / "c.raw", 0x8000, header="% Date today\n"), "names no encoding")
    refused(files.words16(tmp_path / "d.raw", 0x0001, 0x2002), "no event")  # never a time
    (tmp_path / "e.raw").write_bytes(b"% evt 3.0" + bytes(10))
    refused(tmp_path / "e.raw", "header")


def test_raw_big_endian(tmp_path):
    path = tmp_path / "a.raw"
    words = np.array([0x8000, 0x6009, 0x0002, 0x2803], ">u2")
    path.write_bytes(b"% evt 3.0\n% endianness big\n% end\n" + words.tobytes())
    assert same(read_events(path).events, files.events((9, 3, 2, 1)))


def test_dat_of_other_kinds(tmp_path):
    refused(files.dat(tmp_path / "a.dat", SOME, header="% Version 1\n"), "version 1")
    refused(files.dat(tmp_path / "b.dat", SOME, kind=0x0E), "event type 0x0e")
    odd = files.dat(tmp_path / "c.dat", SOME, header="% Width 3\u00b24\n% Height 240\n")
    assert read_events(odd).sensor is None


def test_columns(tmp_path):
    line = tmp_path / "line.npz"
    np.savez(line, t=np.array([0.0, 4.0]), x=np.array([1, 2], "u2"))
    assert same(read_events(line).events, files.events((0, 1, 0, 0), (4, 2, 0, 0)))
    signed = tmp_path / "signed.npz"
    np.savez(signed, t=[0, 4], x=[1, 2], p=[-1, 1], y=[0, 0], width=640, height=480)
    assert read_events(signed).events["p"].tolist() == [0, 1] and read_events(signed).sensor == (480, 640)

    for name, column, said in [
        ("seconds", {"t": [0.0, 0.5], "x": [1, 2]}, "event 1 of 2 (t=0.5, x=2): t is not a whole number"),
        ("lengths", {"t": [0, 1], "x": [1, 2, 3]}, "differ in length (2 t, 3 x)"),
        ("negative", {"t": [0, 1], "x": [1, -2]}, "event 1 of 2 (t=1, x=-2): x is negative"),
        ("huge", {"t": [0, 1], "x": [1, 40_000]}, "x is above 32767"),
        ("names", {"time": [0, 1], "x": [1, 2]}, "no columns t and x"),
        ("none", {"t": [], "x": []}, "holds no event"),
        ("text", {"t": ["a"], "x": [1]}, "t is of type"),
    ]:
        path = tmp_path / f"{name}.npz"
        np.savez(path, **{k: np.array(v) for k, v in column.items()})
        refused(path, said)
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([{"t": 1}], dtype=object), allow_pickle=True)
    refused(objects, "could run code")


def test_hdf5_places(tmp_path):
    compound, root, none = tmp_path / "a.hdf5", tmp_path / "b.h5", tmp_path / "c.h5"
    with h5py.File(compound, "w") as file:
        file["CD/events"] = SOME
        file.attrs.update(width=1280, height=720)
    assert same(read_events(compound).events, SOME) and read_events(compound).sensor == (720, 1280)
    with h5py.File(root, "w") as file:
        file["t"], file["x"] = SOME["t"], SOME["x"]
    assert read_events(root).events["x"].tolist() == SOME["x"].tolist()
    with h5py.File(none, "w") as file:
        file["frames"] = np.zeros(3)
    refused(none, "no columns t and x")


def test_unknown_ending(tmp_path):
    (tmp_path / "a.txt").write_text("1 2 3 4")
    assert ".dat" in refused(tmp_path / "a.txt", "'.txt'").hint


def test_aedat4_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aedat", None)
    path = tmp_path / "a.aedat4"
    path.write_bytes(b"#!AER-DAT4.0\r\n" + bytes(100))
    with pytest.raises(UserError) as caught:
        read_events(path)
    assert "package aedat" in caught.value.problem and caught.value.hint == "pip install 'snnctl[aedat]'"
    path.write_bytes(b"#!AER-DAT2.0\r\n" + bytes(100))
    refused(path, "AEDAT file of an older version")


def test_readers_import_no_torch():
    import subprocess

    code = (
        "import sys, importlib\n"
        f"for m in {sorted(set(MODULES.values()))}: importlib.import_module('snnctl.datasets.formats.' + m)\n"
        "print([m for m in ('torch', 'lightning', 'tonic', 'h5py', 'numba') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.data
def test_real_recordings(shared_data):
    place = shared_data / "event-file-samples"
    for name, n, first, last in [
        ("sample_ncars.dat", 2009, (0, 25, 8, 0), (99_952, 75, 28, 1)),
        ("evt2_sample.raw", 539_481, (1_317_888, 237, 121, 1), (1_367_888, 210, 142, 1)),
        ("evt3_sample.raw", 219_596, (11_718_656, 874, 200, 0), (11_727_457, 1218, 572, 1)),
        ("sample_nmnist.bin", 4325, (654, 7, 15, 1), (311_175, 21, 14, 1)),
    ]:
        found = read_events(place / name).events
        assert (len(found), found[0].tolist(), found[-1].tolist()) == (n, first, last), name


@pytest.mark.data
def test_agrees_with_expelliarmus_and_tonic(shared_data):
    """Except for EVT3's times: expelliarmus 1.1.12 adds 4,096 us wherever the low half steps back by a few."""
    from expelliarmus import Wizard
    from tonic.io import read_mnist_file

    place = shared_data / "event-file-samples"
    for name, encoding in [("sample_ncars.dat", "dat"), ("evt2_sample.raw", "evt2"), ("evt3_sample.raw", "evt3")]:
        theirs, ours = Wizard(encoding=encoding).read(place / name), read_events(place / name).events
        for column in ("t", "x", "y", "p") if encoding != "evt3" else ("x", "y", "p"):
            assert np.array_equal(theirs[column], ours[column]), (name, column)
        assert encoding != "evt3" or set((theirs["t"] - ours["t"]) % 4096) == {0}
    theirs = read_mnist_file(str(place / "sample_nmnist.bin"), np.dtype([(n, int) for n in "xytp"]))
    assert same(read_events(place / "sample_nmnist.bin").events, theirs)


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["sample_ncars.dat", "evt2_sample.raw", "evt3_sample.raw", "sample_nmnist.bin", "sample.aedat4"]
)
def test_real_recordings_damaged(shared_data, tmp_path, name):
    if name.endswith("aedat4"):
        pytest.importorskip("aedat")
    raw = (shared_data / "event-file-samples" / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(raw[: len(raw) // 2 | 1])
    refused(path, "truncated")
    noise = np.random.default_rng(0).integers(0, 256, 4001, dtype=np.uint8).tobytes()
    path.write_bytes(raw[:8000] + noise[: 4000 // 40 * 40] + raw[8000 + 4000 :])
    refused(path)
    path.write_bytes(noise)
    refused(path)


@pytest.mark.data
def test_real_aedat4(shared_data):
    pytest.importorskip("aedat")
    found = read_events(shared_data / "event-file-samples" / "sample.aedat4")
    assert found.sensor == (240, 320) and len(found.events) == 111_954
    assert found.events[-1].tolist() == (1605537494308262, 88, 237, 1)


@pytest.mark.parametrize("name", WRITERS)
def test_noise_gives_events_that_can_be_or_a_user_error(tmp_path, name):
    """200 files with a few bytes changed at random: never another exception, never an event that breaks the rules."""
    path = WRITERS[name](tmp_path / name, files.random_events(0, 34, 34))
    raw, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(200):
        noisy = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 20)):
            noisy[at] = rng.integers(256)
        path.write_bytes(noisy)
        try:
            found = read_events(path).events
        except UserError as error:
            assert str(path) in error.problem
        else:
            assert len(found) and (np.diff(found["t"]) >= 0).all()
            assert min(found[column].min() for column in ("t", "x", "y", "p")) >= 0
