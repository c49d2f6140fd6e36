"""Downloads that can be cut off and go on, are checked, and appear under their name only when whole."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from snnctl.errors import UserError

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 5  # in a row that bring nothing
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that may be different a moment later


def fetch(
    url: str,
    path: Path,
    checksum: str | None,
    progress: Callable[[int, int | None], None] | None = None,
    pause: float = 1.0,
) -> Path:
    """Download `url` to `path`. What has arrived lies in `path`.part, and the next call goes on from there.

    Args:
        url: http or https.
        path: the final name; it appears when the file is whole and its checksum right.
        checksum: "md5:..." or "sha256:..."; None where the publisher gives none.
        progress: called with the bytes that are there and all bytes (None: unknown); by default one line on stderr.
        pause: seconds before the first retry of a cut connection; doubled each time.

    Returns:
        `path`.

    Raises:
        UserError: the host cannot be reached or refuses, the connection is cut again and again, the disk is full, or
            the checksum is wrong; it names the URL and the path at which to put the file by hand.
    """
    path = Path(path)
    if not url.startswith(("http://", "https://")):
        raise UserError(
            f"not a URL that can be downloaded: {url}", f"get the file by hand and put it at\n{path.absolute()}"
        )
    if path.exists():
        _verify(path, path, url, checksum)
        return path
    new = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {path.parent}: {error.strerror}", "choose another dataset.root"
        ) from error
    try:
        _arrive(url, path, checksum, progress or _Line(path.name), pause)
    except BaseException:
        _remove_empty(new)
        raise
    return path


def _arrive(url: str, path: Path, checksum: str | None, progress, pause: float) -> None:
    """Get the file whole and checked to its name, into a folder that is there."""
    part = path.with_name(path.name + ".part")
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, part, path, progress)
            break
        except _Cut as cut:
            after = part.stat().st_size if part.exists() else 0
            fruitless = 0 if after > before else fruitless + 1
            if fruitless >= (ATTEMPTS if cut.passing else 1):
                kept = (
                    f"; the {after:,} bytes that came are kept, and the same command goes on from there"
                    if after
                    else ""
                )
                raise UserError(f"cannot download {url}: {cut}{kept}", _by_hand(url, path)) from cut
            time.sleep(pause * 2**fruitless / 2)
    _verify(part, path, url, checksum)
    os.replace(part, path)


def _remove_empty(folders: list[Path]) -> None:
    """Take back the folders that were made, innermost first, as far as nothing has arrived in them."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


class _Cut(Exception):
    """The transfer stopped; `passing` says that another attempt may go on."""

    def __init__(self, reason: str, passing: bool = True):
        super().__init__(reason)
        self.passing = passing


def _transfer(url: str, part: Path, path: Path, progress) -> None:
    """Append what is missing of `url` to `part`."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "snnctl"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            have, total = _offset(response, have)
            if total is not None and total - have > shutil.disk_usage(part.parent).free:
                raise UserError(
                    f"{total - have:,} bytes of {url} do not fit on the disk of {part.parent}", "free some space"
                )
            with part.open("ab" if have else "wb") as file:
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    progress(have, total)
            if total is not None and have < total:
                raise _Cut(f"the connection was cut after {have:,} of {total:,} bytes")
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing behind `have`: it is whole, or it is of another file
            if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
                return
            part.unlink()
            raise _Cut("what had arrived before does not fit the file that the server has now") from error
        if error.code in PASSING:
            raise _Cut(f"the server answers {error.code} {error.reason}") from error
        raise UserError(
            f"cannot download {url}: the server answers {error.code} {error.reason}", _by_hand(url, path)
        ) from error
    except urllib.error.URLError as error:
        raise _Cut(f"the host cannot be reached: {error.reason}", passing=bool(have)) from error
    except (OSError, http.client.HTTPException) as error:
        if (
            getattr(error, "filename", None) is not None or getattr(error, "errno", None) in FULL
        ):  # the disk, not the net
            raise UserError(
                f"cannot write {part}: {error.strerror}", "free some space, or choose another dataset.root"
            ) from error
        raise _Cut(f"the connection was cut: {error or type(error).__name__}") from error


def _offset(response, have: int) -> tuple[int, int | None]:
    """Where the body begins in the file, and the file's size as the server tells it (None: it does not)."""
    begin = 0
    if response.status == 206:
        told = response.headers.get("Content-Range", "")
        match = re.match(r"bytes (\d+)-", told)
        if not match or int(match[1]) != have:
            raise _Cut(f"asked for the bytes from {have:,} on, the server answers {told!r}", passing=False)
        begin = have
    length = response.headers.get("Content-Length")
    return begin, None if length is None else begin + int(length)


def _verify(there: Path, path: Path, url: str, checksum: str | None) -> None:
    if checksum is None:
        return
    kind, _, expected = checksum.partition(":")
    with there.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != expected.lower():
        if there == path:
            hint = f"it is damaged or another file: remove it and run the command again\n{path.absolute()}"
        else:
            there.unlink()
            hint = f"it was removed; run the command again\n{_by_hand(url, path)}"
        raise UserError(f"{path.name}: {kind} is {found}, expected {expected} ({url})", hint)


def _by_hand(url: str, path: Path) -> str:
    return f"get the file by hand   {url}\nand put it at          {path.absolute()}\nthen run the same command again"


class _Line:
    """Progress as one line on stderr: rewritten on a terminal, else a line each tenth."""

    def __init__(self, name: str):
        self.name, self.tenth = name, -1

    def __call__(self, have: int, total: int | None) -> None:
        tenth = have * 10 // total if total else have >> 27
        terminal = sys.stderr.isatty()
        if not terminal and tenth == self.tenth:
            return
        self.tenth = tenth
        of = f" of {total / 1e6:,.1f} MB ({have / total:.0%})" if total else " MB"
        end = "\r" if terminal and have != total else "\n"
        print(f"{self.name}: {have / 1e6:,.1f}{of}", end=end, file=sys.stderr, flush=True)
