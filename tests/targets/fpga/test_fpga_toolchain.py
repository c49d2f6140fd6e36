"""From Verilog to a bitstream; and what is said where tools or boards are missing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from snnctl.errors import NoDevice, RunFailed, UserError
from snnctl.targets.fpga import toolchain
from tests.targets.fpga.circuits import counts, need, recurrent, target


def build(folder: Path, device: str, circuit, **options) -> dict:
    """Build, hold what was placed against the plan, and return it."""
    t = target(device=device, synthesise=True, **options)
    plan = t.plan(circuit)
    t.build(t.quantise(circuit, plan, counts(6, 2, *circuit.shapes["input"])), circuit, plan, folder)
    placed = json.loads((folder / toolchain.PLACED).read_text())
    rams, cells = plan.resources
    assert placed["used"]["ICESTORM_RAM"]["used"] == rams.used
    assert cells.used * 0.75 < placed["used"]["ICESTORM_LC"]["used"] <= cells.used
    assert placed["fastest_clock_mhz"] > placed["clock_mhz"] == 12
    design = (folder / toolchain.DESIGN).read_bytes()
    assert b"\x7e\xaa\x99\x7e" in design[:256]  # how an iCE40 bitstream begins
    found = {r.name: r for r in t.measured(folder)}
    assert found["logic cells, placed"].used == placed["used"]["ICESTORM_LC"]["used"]
    assert 0 < found["longest step seen"].used < found["longest step seen"].available == 25
    return placed


@pytest.mark.slow
def test_a_recurrent_network_of_64_becomes_a_bitstream(tmp_path):
    need("yosys", "nextpnr-ice40", "icepack")
    placed = build(tmp_path, "hx8k", recurrent())  # on an UP5K: test_fpga_braille.py
    assert placed["used"]["ICESTORM_RAM"]["used"] == 18


@pytest.mark.slow
def test_the_smallest_network_still_has_its_memories_in_block_ram(tmp_path):
    need("yosys", "nextpnr-ice40", "icepack")
    placed = build(tmp_path, "up5k", recurrent(1, 1, 1, decay="exact"), decay_terms=8, state_bits=30, baud=9600)
    assert placed["used"]["ICESTORM_RAM"]["used"] == 6


def fake(folder: Path, monkeypatch, name: str, script: str) -> None:
    """A program of that name in front of all others."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_without_a_board_the_command_to_run_by_hand_is_said(tmp_path, monkeypatch):
    (tmp_path / toolchain.DESIGN).write_bytes(b"")
    fake(tmp_path / "bin", monkeypatch, "iceprog", 'echo "Can\'t find iCE FTDI USB device" >&2; exit 2')
    with pytest.raises(NoDevice, match=r"found no FTDI USB device \(0403:6010 or 0403:6014\)") as caught:
        target().flash(tmp_path)
    assert caught.value.exit_code == 3
    assert caught.value.hint == f"attach the iCEBreaker V1.0 by USB, then by hand   iceprog {tmp_path / 'design.bin'}"


def test_the_real_iceprog_finds_no_board_here(tmp_path):
    need("iceprog")
    if list(Path("/dev").glob("ttyUSB*")):
        pytest.skip("a board may be attached")
    (tmp_path / toolchain.DESIGN).write_bytes(b"")
    with pytest.raises(NoDevice):
        target().flash(tmp_path)


def test_a_board_that_hangs_is_given_up(tmp_path, monkeypatch):
    (tmp_path / toolchain.DESIGN).write_bytes(b"")
    fake(tmp_path / "bin", monkeypatch, "iceprog", "exec sleep 60")
    with pytest.raises(RunFailed, match=r"iceprog did not end within 0\.5 s") as caught:
        target(flash_seconds=0.5).flash(tmp_path)
    assert "by hand   iceprog" in caught.value.hint


def test_a_board_that_is_written_is_said_and_one_that_fails_is_quoted(tmp_path, monkeypatch):
    (tmp_path / toolchain.DESIGN).write_bytes(b"")
    fake(tmp_path / "bin", monkeypatch, "iceprog", "echo VERIFY OK >&2")
    assert target().flash(tmp_path) == "design.bin is in the flash of the iCEBreaker V1.0, verified by iceprog"
    fake(tmp_path / "bin", monkeypatch, "iceprog", "echo 'Found difference between flash and file!' >&2; exit 3")
    with pytest.raises(RunFailed, match="exit code 3") as caught:
        target().flash(tmp_path)
    assert "Found difference" in caught.value.hint


def test_no_bitstream_is_nothing_to_flash(tmp_path):
    with pytest.raises(NoDevice, match="no bitstream"):
        target().flash(tmp_path)


@pytest.mark.parametrize("missing", ["yosys", "nextpnr-ice40", "icepack"])
def test_a_missing_tool_is_named_before_any_runs(tmp_path, monkeypatch, missing):
    for name in {"yosys", "nextpnr-ice40", "icepack"} - {missing}:
        fake(tmp_path / "bin", monkeypatch, name, "exit 9")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    t, circuit = target(synthesise=True), recurrent(1, 2, 1)
    plan = t.plan(circuit)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=f"fpga: the program {missing} is missing, needed to build") as caught:
        t.build(t.quantise(circuit, plan), circuit, plan, tmp_path / "out")
    assert not isinstance(caught.value, RunFailed) and caught.value.hint.startswith("get it   apt-get install")
