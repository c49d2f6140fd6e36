"""Files are whole or absent."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import pytest

from snnctl import atomic
from snnctl.errors import UserError


def test_an_exception_leaves_what_was_there(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    atomic.write_text(path, "old")

    def fails(file):
        file.write(b"new, but")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        atomic.write(path, fails)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    atomic.write_text(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match="the disk is full"):
            atomic.write_text(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert path.read_text() == "old"


def test_a_kill_while_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.bin"
    code = (
        "import os, sys; from pathlib import Path; from snnctl import atomic\n"
        "def fill(file):\n    file.write(b'y' * 100000); file.flush(); os.kill(os.getpid(), 9)\n"
        "atomic.write(Path(sys.argv[1]), lambda f: f.write(b'x')); atomic.write(Path(sys.argv[1]), fill)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    assert path.read_bytes() == b"x"
