"""Programs are run with a time limit, and what failed is quoted."""

from __future__ import annotations

import sys
import time

import pytest

from snnctl.errors import RunFailed, UserError
from snnctl.targets.tools import Tool, run


def test_a_program_gives_what_it_prints():
    assert run([sys.executable, "-c", "print(input())"], 20, stdin=b"hello\n") == b"hello\n"


def test_one_that_hangs_is_stopped():
    begin = time.monotonic()
    with pytest.raises(RunFailed, match=r"did not end within 0\.5 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], 0.5)
    assert time.monotonic() - begin < 20


def test_one_that_fails_is_quoted():
    with pytest.raises(RunFailed, match="exit code 3") as caught:
        run([sys.executable, "-c", "import sys; print('region FLASH overflowed', file=sys.stderr); sys.exit(3)"], 20)
    assert "region FLASH overflowed" in caught.value.hint


def test_a_missing_program_names_the_line_that_gets_it():
    tool = Tool("arm-none-eabi-nothing", "apt-get install gcc-arm-none-eabi")
    with pytest.raises(
        UserError, match=r"mcu: the program arm-none-eabi-nothing is missing, needed to build"
    ) as caught:
        tool.require("mcu")
    assert caught.value.hint == "get it   apt-get install gcc-arm-none-eabi"
    assert Tool("json", "", package=True).present() and not Tool("no_such_package", "", package=True).present()
