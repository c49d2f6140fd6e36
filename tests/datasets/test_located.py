"""Getting a set from nothing: downloads, unpacks, goes on where it was interrupted, and leaves subsets alone."""

from __future__ import annotations

import hashlib
import zipfile

import miniatures
import pytest
import tonic.datasets
from file_server import serve

from snnctl.datasets import unpack as unpacking
from snnctl.datasets.tonic_sets import TonicSet
from snnctl.errors import UserError

PARTS = {"train": {"train": True}, "test": {"train": False}}


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """N-MNIST's miniature as its two archives on a server, and tonic's class pointing there."""
    written = miniatures.nmnist(tmp_path / "made")
    content = {}
    for part, name in (("train", "Train"), ("test", "Test")):
        path = tmp_path / f"{part}.zip"
        with zipfile.ZipFile(path, "w") as pack:
            for _, _, file in written[part]:
                pack.write(file, file.relative_to(tmp_path / "made" / "NMNIST"))
        content[f"/{name}/file_downloaded"] = path.read_bytes()
    with serve(content) as server:
        for part, name in (("train", "Train"), ("test", "Test")):
            body = content[f"/{name}/file_downloaded"]
            monkeypatch.setattr(tonic.datasets.NMNIST, f"{part}_url", f"{server.url}/{name}/file_downloaded")
            monkeypatch.setattr(tonic.datasets.NMNIST, f"{part}_md5", hashlib.md5(body).hexdigest())
        yield server, written


def made(root):
    return TonicSet(root, "NMNIST", [2, 34, 34], PARTS, origin="zero", duration=0.3)


def counts(root):
    return {part: len(labels) for part, labels in made(root).parts().items()}


def test_from_nothing(offered, tmp_path):
    server, written = offered
    root = tmp_path / "data"
    source = made(root)
    source.download()
    assert counts(root) == {"train": 6, "test": 6}
    assert (source.read("test", 5).events["t"] == written["test"][5][1]["t"]).all()
    source.download()
    assert [path for path, _ in server.asked] == ["/Train/file_downloaded", "/Test/file_downloaded"]


def test_nothing_is_unpacked_before_all_has_come(offered, tmp_path):
    """Or a set without its test part would look complete."""
    server, _ = offered
    root = tmp_path / "data"
    body = server.content.pop("/Test/file_downloaded")
    with pytest.raises(UserError, match="404"):
        made(root).download()
    with pytest.raises(UserError, match="nmnist is not in"):
        made(root).parts()
    server.content["/Test/file_downloaded"] = body
    made(root).download()
    assert counts(root) == {"train": 6, "test": 6} and len(server.asked) == 3


def test_interrupted_unpacking_is_noticed_and_finished(offered, tmp_path, monkeypatch):
    root = tmp_path / "data"
    write, done = unpacking._write, []

    def stops(source, target):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(target)
        return write(source, target)

    monkeypatch.setattr(unpacking, "_write", stops)
    with pytest.raises(KeyboardInterrupt):
        made(root).download()
    with pytest.raises(UserError, match="interrupted") as caught:
        made(root).parts()
    assert "snnctl data get nmnist" in caught.value.hint
    monkeypatch.setattr(unpacking, "_write", write)
    made(root).download()
    assert counts(root) == {"train": 6, "test": 6}


def test_a_subset_is_left_alone(offered, tmp_path):
    server, _ = offered
    miniatures.nmnist(tmp_path / "data")
    for path in (tmp_path / "data" / "NMNIST" / "Test").rglob("*.bin"):
        path.unlink()
    made(tmp_path / "data").download()
    assert counts(tmp_path / "data") == {"train": 6} and server.asked == []


def test_an_archive_put_in_place_by_hand(offered, tmp_path):
    server, _ = offered
    folder = tmp_path / "data" / "NMNIST"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        (folder / f"{part}.zip").write_bytes(server.content[f"/{part.title()}/file_downloaded"])
    made(tmp_path / "data").download()
    assert counts(tmp_path / "data") == {"train": 6, "test": 6} and server.asked == []


def test_what_only_a_person_can_fetch(tmp_path):
    source = TonicSet(tmp_path, "DVSLip", [2, 128, 128], PARTS)
    with pytest.raises(UserError, match="cannot be downloaded by a program") as caught:
        source.download()
    assert "drive.google.com" in caught.value.hint and str(tmp_path / "DVSLip" / "DVS-Lip.zip") in caught.value.hint


def test_what_nobody_offers(tmp_path):
    with pytest.raises(UserError, match="is not in") as caught:
        TonicSet(tmp_path, "POKERDVS", [2, 35, 35], PARTS, hint="ask the authors").download()
    assert "ask the authors" in caught.value.hint


def test_code_outside_of_the_class_enters_the_fingerprint(tmp_path, monkeypatch):
    miniatures.nmnist(tmp_path)
    before = made(tmp_path).fingerprint()
    monkeypatch.setattr(TonicSet, "made_by", (*TonicSet.made_by, hashlib.md5))
    assert made(tmp_path).fingerprint() != before
