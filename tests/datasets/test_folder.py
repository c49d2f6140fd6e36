"""A user's own recordings: layouts, formats, the size of the sensor, and what is refused."""

from __future__ import annotations

import event_files as files
import numpy as np
import pytest

from snnctl.datasets.class_folders import natural
from snnctl.datasets.folder import Folder
from snnctl.errors import UserError


def fill(top, classes=("2", "10"), n=2, seed=0, width=20, height=10):
    made = []
    for c in classes:
        for i in range(n):
            e = files.random_events(seed + len(made), width, height)
            e["t"] += 5_000_000
            made.append((files.atis(top / c / f"{i}.bin", e), e))
    return made


def test_one_folder_a_class(tmp_path):
    made = fill(tmp_path)
    source = Folder(tmp_path, shape=[2, 10, 20])
    assert source.classes == ("2", "10") and source.shape == (2, 10, 20)  # numbers in numeric order
    assert {part: labels.tolist() for part, labels in source.parts().items()} == {"train": [0, 0, 1, 1]}
    for i, (path, e) in enumerate(made):
        found = source.read("train", i)
        assert np.array_equal(found.events, e) and source.where("train", i) == str(path) == str(
            source.files("train")[i]
        )
        assert (found.start, found.stop) == (5_000_000, int(e["t"][-1]) + 1)
    assert Folder(tmp_path, shape=[2, 10, 20], origin="zero", duration=10.0).read("train", 0).start == 0
    fixed = Folder(tmp_path, shape=[2, 10, 20], duration=0.5).read("train", 0)
    assert (fixed.start, fixed.stop) == (5_000_000, 5_500_000)


def test_train_and_test(tmp_path):
    fill(tmp_path / "Train", classes=("ant", "bee", "cat"))
    fill(tmp_path / "test", classes=("cat",), n=3)
    (tmp_path / "test" / ".hidden").mkdir()
    files.atis(tmp_path / "Train" / "ant" / ".trash" / "0.bin", files.random_events(0, 5, 5))
    (tmp_path / "Train" / "ant" / "notes.txt").write_text("x")
    parts = Folder(tmp_path).parts()
    assert {part: labels.tolist() for part, labels in parts.items()} == {"train": [0, 0, 1, 1, 2, 2], "test": [2, 2, 2]}


def test_formats_may_be_mixed(tmp_path):
    e = files.random_events(0, 20, 10)
    for c, name, write in [("a", "0.bin", files.atis), ("a", "1.dat", files.dat), ("b", "0.raw", files.evt2)]:
        (tmp_path / c).mkdir(exist_ok=True)
        write(tmp_path / c / name, e)
    np.savez(tmp_path / "b" / "1.npz", t=e["t"], x=e["x"], y=e["y"], p=e["p"])
    source = Folder(tmp_path, shape=[2, 480, 640])
    assert all(np.array_equal(source.read("train", i).events, e) for i in (0, 2, 3))
    with pytest.raises(UserError, match="304 x 240 pixels, the others have 640 x 480"):
        source.read("train", 1)


def test_the_sensor_from_a_header(tmp_path):
    for c in ("a", "b"):
        (tmp_path / c).mkdir()
        files.evt2(tmp_path / c / "0.raw", files.random_events(0, 20, 10))
    assert Folder(tmp_path).shape == (2, 480, 640)


def test_the_sensor_from_coordinates_is_said(tmp_path, capsys):
    made = fill(tmp_path)
    (tmp_path / "2" / "0.bin").write_bytes(b"abc")  # left for when it is read
    shape = Folder(tmp_path).shape
    largest = [max(int(e[axis].max()) for _, e in made[1:]) + 1 for axis in ("y", "x")]
    assert shape == (2, *largest)
    said = capsys.readouterr().err
    assert f"{shape[2]} x {shape[1]} pixels" in said and "dataset.source.shape" in said and "[HYDRA]" not in said


def test_channels(tmp_path):
    for c in ("a", "b"):
        (tmp_path / c).mkdir()
        np.savez(tmp_path / c / "0.npz", t=[1, 2], x=[3, 63], p=[1, 1])
    assert Folder(tmp_path, shape=[64]).read("train", 1).events["p"].tolist() == [0, 0]
    with pytest.raises(UserError, match=r"event 1 of 2 .* lies outside the sensor of 63 channels \(1 such events\)"):
        Folder(tmp_path, shape=[63]).read("train", 1)


def test_what_is_refused(tmp_path):
    with pytest.raises(UserError, match="no folder") as caught:
        Folder(tmp_path / "absent").parts()
    assert caught.value.exit_code == 2 and "dataset.root" in caught.value.hint
    with pytest.raises(UserError, match="no recording") as caught:
        Folder(tmp_path).parts()
    assert ".aedat4" in caught.value.hint and "train/CLASS/FILE" in caught.value.hint
    fill(tmp_path, classes=("only",))
    with pytest.raises(UserError, match="only the class 'only'"):
        Folder(tmp_path).parts()
    fill(tmp_path, classes=("second",), width=30)
    with pytest.raises(UserError, match="outside the sensor of 20 x 10 pixels and 2 polarities"):
        [Folder(tmp_path, shape=[2, 10, 20]).read("train", i) for i in (2, 3)]
    with pytest.raises(UserError, match="origin"):
        Folder(tmp_path, origin="last")
    for path in tmp_path.rglob("*.bin"):
        path.write_bytes(b"abc")
    with pytest.raises(UserError, match="none of the 4 recordings"):
        _ = Folder(tmp_path).shape


def test_natural_order():
    assert sorted(["b10", "b9", "a", "10", "9", "b9x", "x²"], key=natural) == ["9", "10", "a", "b9", "b9x", "b10", "x²"]
