"""Unpacking: archives in archives, nothing outside of the folder, and a mark while it is not done."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from snnctl.datasets import unpack as module
from snnctl.datasets.unpack import unfinished, unpack
from snnctl.errors import UserError


def zipped(path, **files: bytes):
    with zipfile.ZipFile(path, "w") as pack:
        for name, body in files.items():
            pack.writestr(name.replace("__", "/"), body)
    return path


def tarred(path, *members: tuple[str, bytes | str]):
    """Members with bytes are files, with text links to it."""
    with tarfile.open(path, "w:gz") as pack:
        for name, body in members:
            entry = tarfile.TarInfo(name)
            if isinstance(body, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, body
                pack.addfile(entry)
            else:
                entry.size = len(body)
                pack.addfile(entry, io.BytesIO(body))
    return path


def listing(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_zip_tar_gz(tmp_path):
    unpack(zipped(tmp_path / "a.zip", Train__0__1=b"x", Train__1__2=b"yy"), tmp_path / "zip")
    assert (
        listing(tmp_path / "zip") == ["Train/0/1", "Train/1/2"] and (tmp_path / "zip/Train/1/2").read_bytes() == b"yy"
    )
    unpack(tarred(tmp_path / "b.tar.gz", ("user/0.npy", b"abc")), tmp_path / "tar")
    assert (tmp_path / "tar/user/0.npy").read_bytes() == b"abc"
    (tmp_path / "c.h5.gz").write_bytes(gzip.compress(b"data"))
    unpack(tmp_path / "c.h5.gz", tmp_path / "gz")
    assert (tmp_path / "gz/c.h5").read_bytes() == b"data"
    assert not unfinished(tmp_path / "a.zip")


def test_archives_within_are_unpacked_beside(tmp_path):
    inner = zipped(tmp_path / "inner.zip", Caltech101__ant__1=b"e").read_bytes()
    unpack(
        zipped(tmp_path / "outer.zip", pack__Caltech101=b"readme", pack__set__zip=b"", **{"pack/in.zip": inner}),
        tmp_path / "set",
    )
    assert listing(tmp_path / "set") == ["Caltech101/ant/1", "pack/Caltech101", "pack/set/zip"]


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "C:/out", "..\\out"])
def test_members_that_would_leave_the_folder(tmp_path, name):
    folder = tmp_path / "in" / "set"
    with pytest.raises(UserError, match="outside"):
        unpack(zipped(tmp_path / "a.zip", **{name: b"x"}), folder)
    with pytest.raises(UserError, match="outside"):
        unpack(tarred(tmp_path / "b.tar.gz", (name, b"x")), folder)
    assert [p for p in tmp_path.rglob("*out*")] == []


def test_links(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(UserError, match="link"):
        unpack(tarred(tmp_path / "a.tar.gz", ("way", str(tmp_path / "target")), ("way/x", b"x")), tmp_path / "set")
    (tmp_path / "set" / "way").symlink_to(tmp_path / "target")
    with pytest.raises(UserError, match="through a link"):
        unpack(zipped(tmp_path / "b.zip", way__x=b"x"), tmp_path / "set")
    assert list((tmp_path / "target").iterdir()) == []


def test_damaged_leaves_a_mark(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", one=b"1" * 1000, two=b"2" * 1000)
    raw = bytearray(path.read_bytes())
    raw[-600] ^= 1
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"a\.zip: cannot be unpacked"):
        unpack(path, tmp_path)
    assert unfinished(path)
    zipped(path, one=b"1")
    unpack(path, tmp_path)
    assert not unfinished(path) and (tmp_path / "one").read_bytes() == b"1"

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_write", stop)
    with pytest.raises(KeyboardInterrupt):
        unpack(path, tmp_path)
    assert unfinished(path)


def test_other_files_are_left_as_they_are(tmp_path):
    (tmp_path / "n-tidigits.hdf5").write_bytes(b"x")
    unpack(tmp_path / "n-tidigits.hdf5", tmp_path)
    assert listing(tmp_path) == ["n-tidigits.hdf5"]
