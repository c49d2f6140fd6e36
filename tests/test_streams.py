"""Output whose reader goes, or that cannot be written."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys

import pytest

from snnctl.errors import UserError
from snnctl.streams import Steady, steady


class Broken(io.TextIOBase):
    """A stream over a file descriptor that fails like a closed pipe, or a full disk."""

    def __init__(self, number: int):
        self.number, self.descriptor = number, os.open(os.devnull, os.O_WRONLY)

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))

    def fileno(self):
        return self.descriptor


def test_a_closed_pipe_is_nothing_to_speak_of():
    assert Steady(Broken(errno.EPIPE), "stdout").write("abc") == 3


def test_a_full_disk_is_told_of_stdout_and_swallowed_by_stderr():
    with pytest.raises(UserError, match="stdout cannot be written: No space left"):
        Steady(Broken(errno.ENOSPC), "stdout").write("abc")
    Steady(Broken(errno.ENOSPC), "stderr").write("abc")


def test_the_streams_are_as_they_were_afterwards():
    before = sys.stdout, sys.stderr
    with steady():
        assert sys.stdout is not before[0] and sys.stdout.encoding == before[0].encoding
    assert (sys.stdout, sys.stderr) == before


GOES_ON = """
import sys, time
from snnctl.streams import steady
with steady():
    for i in range(20):
        print(i, flush=True)
        time.sleep(0.01)
    open(sys.argv[1], "w").write("done")
"""


def test_work_goes_on_when_nobody_reads_any_more(tmp_path):
    mark = tmp_path / "mark"
    process = subprocess.Popen([sys.executable, "-c", GOES_ON, str(mark)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    assert process.wait(30) == 0 and mark.read_text() == "done"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_message_and_exit_2(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "snnctl", "ls"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "snnctl: stdout cannot be written: No space left on device"
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
