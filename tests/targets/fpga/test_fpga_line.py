"""The serial line: bytes written out, and a host that talks to top in Icarus Verilog."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.targets import tools
from snnctl.targets.fpga import line, verilog
from snnctl.targets.fpga.arithmetic import Core
from tests.targets.fpga.circuits import counts, need, recurrent, target

BENCH = Path(__file__).parent / "uart_testbench.v"
CELLS = "ice40/cells_sim.v"


def test_the_bytes_of_a_step():
    assert line.encoded(np.array([3, 0, 0, 127, 0])) == bytes([3, 0x81, 127, 0x80])
    assert line.encoded(np.zeros(300, int)) == bytes([0xFE, 0xFE, 0x80 + 45])
    assert line.decoded(bytes([1, 0, 0, 0xFE, 0xFF, 0xFF]), 3).tolist() == [1, -2]


@given(st.lists(st.integers(0, 2) | st.integers(0, 127), min_size=1, max_size=400))
def test_what_is_encoded_says_every_channel(values):
    read: list[int] = []
    for byte in line.encoded(np.array(values)):
        read += [0] * (byte - 0x7F) if byte >= 0x80 else [byte]
    assert read == values


def talk(core: Core, folder: Path, x, sources: list, defines: tuple[str, ...] = ()) -> np.ndarray:
    """What top answers, (samples, steps, outputs), to samples one after the other."""
    width = core.layout.output_bytes(core.state_bits)
    said, steps = b"", []
    for sample in x.flatten(2).long().numpy().transpose(1, 0, 2):
        said += line.REST
        steps.append((1, 0))
        for step in sample:
            said += line.encoded(step)
            steps.append((len(line.encoded(step)), core.layout.outputs * width))
    (folder / "bytes.bin").write_bytes(said)
    (folder / "steps.txt").write_text("".join(f"{a} {b}\n" for a, b in steps))
    command = ["iverilog", "-g2005", *defines, "-o", "uart.vvp", "-s", "uart_testbench", BENCH, *sources]
    tools.run(command, 60, cwd=folder)
    tools.run(["vvp", "-N", "uart.vvp"], 120, cwd=folder)
    answers = line.decoded((folder / "answers.bin").read_bytes(), width)
    return answers.reshape(x.shape[1], x.shape[0], -1)


def expected(core: Core, x) -> np.ndarray:
    last = core.populations[core.layout.output]
    return ((core.run(x).out.double() - last.rest) / last.unit).round().long().numpy().transpose(1, 0, 2)


def test_a_host_gets_the_membranes_over_the_serial_line(tmp_path):
    need("iverilog", "vvp")
    t, circuit = target(), recurrent(6, 9, 5)
    core = t.quantise(circuit, t.plan(circuit))
    verilog.write(core, tmp_path)
    x = counts(5, 3, 6)
    assert np.array_equal(talk(core, tmp_path, x, list(verilog.SOURCES)), expected(core, x))


@pytest.mark.slow
def test_the_synthesised_netlist_answers_the_same(tmp_path):
    need("iverilog", "vvp", "yosys")
    t, circuit = target(), recurrent(6, 9, 5)
    core = t.quantise(circuit, t.plan(circuit))
    verilog.write(core, tmp_path)
    script = (
        f"read_verilog {' '.join(verilog.SOURCES)}; chparam -set CLOCKS_PER_BIT 8 top; synth_ice40 -top top; "
        "write_verilog netlist.v"
    )
    tools.run(["yosys", "-q", "-p", script], 200, cwd=tmp_path)
    cells = Path(shutil.which("yosys")).resolve().parents[1] / "share" / "yosys" / CELLS
    x = counts(4, 2, 6)
    got = talk(core, tmp_path, x, ["netlist.v", cells], ("-DNETLIST", "-DNO_ICE40_DEFAULT_ASSIGNMENTS"))
    assert np.array_equal(got, expected(core, x))
