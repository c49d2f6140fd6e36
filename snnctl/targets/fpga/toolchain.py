"""From Verilog to a bitstream, and to the board: yosys, nextpnr-ice40, icepack, iceprog."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from snnctl.errors import NoDevice, RunFailed
from snnctl.targets import tools
from snnctl.targets.fpga.device import Device
from snnctl.targets.fpga.verilog import SOURCES
from snnctl.targets.plan import Resource
from snnctl.targets.tools import Tool

DESIGN = "design.bin"
PLACED = "placed.json"
YOSYS = Tool("yosys", "apt-get install yosys")
NEXTPNR = Tool("nextpnr-ice40", "apt-get install nextpnr-ice40")
ICEPACK = Tool("icepack", "apt-get install fpga-icestorm")
ICEPROG = Tool("iceprog", "apt-get install fpga-icestorm", purpose="flash")


def bitstream(folder: Path, device: Device, baud: int, seconds: float) -> dict[str, Any]:
    """Make design.bin from the Verilog in a folder, for a board's pins and clock.

    Returns:
        What nextpnr counted: used and available of each kind of cell, and the clock that the design can run at.

    Raises:
        UserError: a tool is missing.
        RunFailed: one failed, ran out of time, or the design does not reach the board's clock.
    """
    yosys, nextpnr, icepack = (tool.require("fpga") for tool in (YOSYS, NEXTPNR, ICEPACK))
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        script = (
            f"read_verilog {' '.join(SOURCES)}; "
            f"chparam -set CLOCKS_PER_BIT {device.clocks_per_bit(baud)} top; "
            f"synth_ice40 -top top -json {place / 'design.json'}"
        )
        tools.run([yosys, "-q", "-p", script], seconds, cwd=folder)
        tools.run(
            [nextpnr, f"--{device.name}", "--package", device.package, "--json", place / "design.json",
             "--pcf", folder / "pins.pcf", "--asc", place / "design.asc", "--report", place / "report.json",
             "--freq", f"{device.clock / 1e6:g}", "--seed", "1", "-q"],
            seconds,
        )  # fmt: skip
        tools.run([icepack, place / "design.asc", folder / DESIGN], seconds)
        report = json.loads((place / "report.json").read_text())
    used = {kind: cells for kind, cells in report["utilization"].items() if cells["used"]}
    clock = next(iter(report["fmax"].values()))
    return {
        "device": device.name,
        "package": device.package,
        "board": device.board,
        "used": used,
        "clock_mhz": device.clock / 1e6,
        "fastest_clock_mhz": round(clock["achieved"], 2),
    }


def placed(folder: Path) -> list[Resource]:
    """What placed.json of an artefact says, by limit."""
    found = json.loads((folder / PLACED).read_text())
    device, clock = found["device"], found["clock_mhz"]
    cells, rams = found["used"]["ICESTORM_LC"], found["used"]["ICESTORM_RAM"]
    rows = [
        Resource(device, "logic cells, placed", cells["used"], cells["available"]),
        Resource(device, "block RAMs, placed", rams["used"], rams["available"]),
        Resource(device, "clock", clock, found["fastest_clock_mhz"], "MHz"),
    ]
    if "clocks a step, most" in found:
        longest = found["clocks a step, most"] / clock / 1e3
        rows.append(Resource(device, "longest step seen", longest, 1e3 * found["step_seconds"], "ms"))
    return rows


def flash(folder: Path, device: Device, seconds: float) -> str:
    """Write design.bin to the board's flash.

    Raises:
        UserError: iceprog is missing.
        NoDevice: no board is attached.
        RunFailed: iceprog failed or ran out of time.
    """
    design = folder / DESIGN
    if not design.exists():
        raise NoDevice("fpga: there is no bitstream to flash", "build it   target.synthesise=true")
    iceprog = ICEPROG.require("fpga")
    by_hand = f"attach the {device.board} by USB, then by hand   iceprog {design}"
    try:
        done = subprocess.run([iceprog, str(design)], stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"iceprog did not end within {seconds:g} s and was stopped", by_hand) from None
    text = (done.stderr + done.stdout).decode(errors="replace")
    if done.returncode and ("find iCE FTDI USB device" in text or "unable to open ftdi device" in text.lower()):
        raise NoDevice("fpga: iceprog found no FTDI USB device (0403:6010 or 0403:6014)", by_hand)
    if done.returncode:
        raise RunFailed(f"iceprog failed with exit code {done.returncode}", text.strip()[-500:])
    return f"{design.name} is in the flash of the {device.board}, verified by iceprog"
