"""Downloads against a server on this machine: whole, cut and resumed, wrong, and not there."""

from __future__ import annotations

import hashlib
import socket

import numpy as np
import pytest
from file_server import serve

from snnctl.datasets import download
from snnctl.datasets.download import fetch
from snnctl.errors import UserError

BODY = np.random.default_rng(0).bytes(3_000_000)
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()


@pytest.fixture
def server():
    with serve({"/set.zip": BODY}) as running:
        yield running


def get(server, path, checksum=MD5):
    seen = []
    fetch(f"{server.url}/set.zip", path, checksum, progress=lambda have, total: seen.append((have, total)), pause=0.001)
    return seen


def test_whole(server, tmp_path):
    path = tmp_path / "new" / "set.zip"
    seen = get(server, path)
    assert path.read_bytes() == BODY and [p.name for p in path.parent.iterdir()] == ["set.zip"]
    assert seen[-1] == (len(BODY), len(BODY)) and seen == sorted(seen)
    get(server, path)
    assert len(server.asked) == 1  # it is there: nothing is asked again


def test_sha256(server, tmp_path):
    get(server, tmp_path / "set.zip", "sha256:" + hashlib.sha256(BODY).hexdigest().upper())


def test_cut_connections_are_resumed(server, tmp_path):
    server.cut_after = [1_000_000, 500_000]
    get(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == BODY
    assert [wanted for _, wanted in server.asked] == [None, "bytes=1000000-", "bytes=1500000-"]


def test_the_next_call_goes_on_where_the_last_one_ended(server, tmp_path):
    path, part = tmp_path / "set.zip", tmp_path / "set.zip.part"
    server.cut_after = [700_000] + [0] * download.ATTEMPTS
    with pytest.raises(UserError) as caught:
        get(server, path)
    text = str(caught.value)
    assert part.stat().st_size == 700_000 and not path.exists()
    assert "700,000 bytes that came are kept" in text and f"{server.url}/set.zip" in text and str(path) in text
    server.asked.clear()
    get(server, path)
    assert path.read_bytes() == BODY and server.asked == [("/set.zip", "bytes=700000-")] and not part.exists()


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges, server.cut_after = False, [1_000_000]
    get(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_all_had_arrived_but_the_name(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(BODY)
    get(server, tmp_path / "set.zip")
    assert server.asked == [("/set.zip", f"bytes={len(BODY)}-")] and (tmp_path / "set.zip").read_bytes() == BODY


def test_what_had_arrived_is_of_a_longer_file(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(BODY + b"more")
    get(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_wrong_checksum(server, tmp_path):
    path = tmp_path / "set.zip"
    with pytest.raises(UserError, match=r"md5 is .* expected") as caught:
        get(server, path, "md5:" + "0" * 32)
    assert list(tmp_path.iterdir()) == []  # nothing wrong is left to be taken for the set, or to be resumed
    assert caught.value.exit_code == 2 and server.url in str(caught.value) and str(path) in caught.value.hint


def test_a_wrong_file_in_place_is_left_to_its_owner(server, tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(b"mine")
    with pytest.raises(UserError, match="expected") as caught:
        get(server, path)
    assert path.read_bytes() == b"mine" and "remove it" in caught.value.hint and not server.asked


def test_unreachable_host(tmp_path):
    with socket.socket() as closed:  # bound, not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/set.zip"
        with pytest.raises(UserError, match="cannot be reached") as caught:
            fetch(url, tmp_path / "SET" / "set.zip", MD5)
    assert (
        caught.value.exit_code == 2
        and url in caught.value.hint
        and str(tmp_path / "SET" / "set.zip") in caught.value.hint
    )


def test_not_found_and_busy(server, tmp_path):
    with pytest.raises(UserError, match="404") as caught:
        fetch(f"{server.url}/other.zip", tmp_path / "other.zip", None)
    assert str(tmp_path / "other.zip") in caught.value.hint
    server.errors = [503, 503]
    get(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_other_schemes_are_refused(tmp_path):
    (tmp_path / "secret").write_text("x")
    with pytest.raises(UserError, match="not a URL"):
        fetch(f"file://{tmp_path}/secret", tmp_path / "copy", None)
    assert not (tmp_path / "copy").exists()


def test_a_full_disk(server, tmp_path, monkeypatch):
    usage = download.shutil.disk_usage
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage(path)._replace(free=1000))
    with pytest.raises(UserError, match=r"3,000,000 bytes .* do not fit"):
        get(server, tmp_path / "set.zip")


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        get(server, tmp_path / "file" / "set.zip")


def test_progress_without_a_terminal_is_a_line_each_tenth(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(download, "CHUNK", 1 << 16)
    fetch(f"{server.url}/set.zip", tmp_path / "set.zip", MD5)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11 and lines[-1] == "set.zip: 3.0 of 3.0 MB (100%)"


def test_a_failed_download_leaves_no_empty_folders(server, tmp_path):
    with pytest.raises(UserError, match="404"):
        fetch(f"{server.url}/none.zip", tmp_path / "a" / "b" / "none.zip", None)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="404"):
        fetch(f"{server.url}/none.zip", tmp_path / "mine" / "none.zip", None)
    assert (tmp_path / "mine").is_dir()  # was there before
