"""The target "mcu": C99 for a Cortex-M, in whole numbers or float, with all that a board needs to run it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from snnctl.atomic import write_json
from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.errors import NoDevice, RunFailed, UserError, did_you_mean
from snnctl.targets.mcu import sizes
from snnctl.targets.mcu.board import Board
from snnctl.targets.mcu.checks import refused
from snnctl.targets.mcu.emulator import ABOUT, QEMU, about, in_qemu, instructions
from snnctl.targets.mcu.files import project
from snnctl.targets.mcu.float_source import float_source
from snnctl.targets.mcu.floats import Floats
from snnctl.targets.mcu.inputs import chosen
from snnctl.targets.mcu.integer_source import integer_source
from snnctl.targets.mcu.integers import Integers, weighted_output
from snnctl.targets.mcu.source import targets
from snnctl.targets.mcu.wiring import wiring
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.target import Target, Traces
from snnctl.targets.tools import Tool, run

GCC = Tool("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi")
MAKE = Tool("make", "apt-get install make")
PYOCD = Tool("pyocd", "pip install pyocd", purpose="flash")
Numbers = Literal["int8", "float"]
Input = Literal["auto", "counts", "graded"]
IO = Literal["semihosting", "uart"]
SAMPLES = 16  # on which the instructions of a step are counted
NOBODY = ("No connected debug probes", "No available debug probes", "No target device available")


class MCU(Target):
    """A microcontroller: the network as C99, compiled for a board with a Cortex-M and run in QEMU.

    In whole numbers a membrane is a multiple of 2^-f of the weights' scale; a weight is int8, a decay 30 bits, rounded
    to the nearest, halves up. Sums run over the sources that fired, and read no other row of the weights.

    Args:
        board: one of `boards`.
        boards: name -> Board.
        numbers: "int8": weights in 8 bits, states in whole numbers; "float" where the core has an FPU.
        state_bits: of the membranes that spike, 32 or 16.
        input: "counts" (a byte a value), "graded" (two) or "auto".
        io: how samples come in and results go out: by "semihosting" or over the "uart".
        baud: of the serial port, bit/s.
        stack: bytes.
        time_limit: s of a compilation or of a run in QEMU. flash_time_limit: s of flashing.

    Raises:
        UserError: an option out of range.
    """

    name = "mcu"
    tools = (GCC, MAKE, QEMU, PYOCD)

    def __init__(
        self,
        board: str,
        boards: Mapping[str, Board],
        numbers: Numbers = "int8",
        state_bits: int = 32,
        input: Input = "auto",
        io: IO = "semihosting",
        baud: int = 115200,
        stack: int = 1024,
        time_limit: float = 600.0,
        flash_time_limit: float = 60.0,
    ):
        if board not in boards:
            raise UserError(f"target.board={board} is none of target.boards", did_you_mean(board, boards))
        for key, value, choices in (("numbers", numbers, get_args(Numbers)), ("state_bits", state_bits, (32, 16)),
                                    ("input", input, get_args(Input)), ("io", io, get_args(IO))):  # fmt: skip
            if value not in choices:
                raise UserError(f"target.{key}={value}", f"choose from    {', '.join(map(str, choices))}")
        self.boards, self.board_name, self.board = dict(boards), board, boards[board]
        self.numbers, self.state_bits, self.input, self.io = numbers, state_bits, input, io
        self.baud, self.stack = baud, stack
        self.time_limit, self.flash_time_limit = time_limit, flash_time_limit

    @property
    def emulates(self) -> str:
        return f"QEMU {self.board.qemu}" if self.board.qemu else f"nothing: QEMU has no {self.board_name}"

    def plan(self, circuit: Circuit) -> Plan:
        real = self.numbers == "float"
        misfits: list[Misfit] = []
        if real and not self.board.fpu:
            able = [name for name, board in self.boards.items() if board.fpu]
            hint = f"set target.numbers=int8, or target.board={able[0]}" if able else "set target.numbers=int8"
            misfits.append(Misfit("numbers", f"float, and {self.board_name} ({self.board.cpu}) has no FPU", hint))
        misfits += refused(circuit, real)
        if misfits and not real:
            raise DoesNotFit(f"{self.name} {self.board_name}", misfits)
        each = self._bytes(circuit)
        misfits += sizes.too_large(self.board_name, self.boards, each)
        if misfits:
            raise DoesNotFit(f"{self.name} {self.board_name}", misfits)
        flash, ram = (sum(getattr(b, memory) for b in each) for memory in ("flash", "ram"))
        resources = [Resource(b.layer, memory, n, None, "bytes") for b in each
                     for memory, n in (("flash", b.flash), ("RAM", b.ram)) if n]  # fmt: skip
        resources += [Resource(self.board_name, "flash", flash, self.board.flash, "bytes"),
                      Resource(self.board_name, "RAM", ram, self.board.ram, "bytes")]  # fmt: skip
        notes = [
            f"{p.title}: no pattern of taps, stored as a dense product of {w.count:,} weights"
            for p in circuit.projections
            if (w := wiring(p, circuit.shapes[p.source], circuit.shapes[p.target])).whole
        ]
        if real and any("expf" in text or "sinf" in text for text in _steps(circuit)):
            notes.append("a step calls the C library's mathematics, whose last bit differs between libraries")
        sources = (
            f"memories of {self.board_name}: configs/target/mcu.yaml",
            "bytes of code: measured with gcc 12; the linker has the last word",
        )
        return Plan({self.board_name: circuit.names}, tuple(resources), tuple(notes), sources, {"bytes": each})

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Integers | Floats:
        real = self.numbers == "float"
        model = Floats(circuit) if real else Integers(circuit, chosen(self.input, x), self.state_bits)
        model.sample = None if x is None else x[:, :SAMPLES]
        return model

    def build(self, model: Integers | Floats, circuit: Circuit, plan: Plan, folder: Path) -> None:
        GCC.require(self.name)
        make = MAKE.require(self.name)
        texts = integer_source(model) if isinstance(model, Integers) else float_source(model)
        project(folder, texts, self.board, self.io, self.baud, self.stack)
        board = {name: getattr(self.board, name) for name in ("qemu", "qemu_tick", "pyocd")}
        facts = _facts(model) | {"board": self.board_name, "io": self.io, **board}
        try:
            run([make, "-s", "all"], self.time_limit, cwd=folder)
        except RunFailed as error:
            excess = sizes.overflow(str(error))
            if not excess:
                raise
            each = sizes.too_large(self.board_name, self.boards, self._bytes(circuit), excess)
            raise DoesNotFit(f"{self.name} {self.board_name}", each) from None
        flash, ram = sizes.linked(run([make, "-s", "size"], self.time_limit, cwd=folder).decode())
        facts |= {"flash": flash, "ram": ram}
        if model.sample is not None and self.board.qemu and self.board.qemu_tick and QEMU.present():
            mean, most = instructions(folder, facts, model.sample, self.time_limit)
            facts |= {"instructions": {"mean": mean, "most": most}}
        write_json(folder / ABOUT, facts)

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return in_qemu(folder, x, self.time_limit)

    def flash(self, folder: Path) -> str:
        image, chip = folder / "firmware.hex", about(folder)["pyocd"]
        by_hand = f"by hand        pyocd flash -W -t {chip or 'TARGET'} {image}"
        if chip is None:
            raise NoDevice(f"{self.name}: pyOCD has no name for {self.board_name}", f"set its pyocd\n{by_hand}")
        command = [PYOCD.require(self.name), "flash", "-W", "-t", chip, str(image)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.flash_time_limit, check=False)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"pyocd did not end within {self.flash_time_limit:g} s and was stopped", by_hand) from None
        said = f"{done.stdout}\n{done.stderr}"
        if done.returncode and any(text in said for text in NOBODY):
            raise NoDevice(
                f"{self.name}: pyOCD found no debug probe (CMSIS-DAP, J-Link, ST-Link)",
                f"connect one, see it with   pyocd list\n{by_hand}",
            )
        if done.returncode:
            lines = said.strip().splitlines()[-6:]
            raise RunFailed(f"pyocd failed with exit code {done.returncode}", "\n".join([*lines, by_hand]))
        return f"{image} by pyOCD to {chip}"

    def measured(self, folder: Path) -> list[Resource]:
        facts = about(folder)
        rows = [Resource(self.board_name, "flash, linked", facts["flash"], self.board.flash, "bytes"),
                Resource(self.board_name, "RAM, linked", facts["ram"], self.board.ram, "bytes")]  # fmt: skip
        for kind, count in facts.get("instructions", {}).items():
            rows.append(Resource(self.board_name, f"instructions of a step, {kind}", count, None))
        return rows

    def next_steps(self, folder: Path) -> list[str]:
        facts = about(folder)
        return [
            f"flash it       pyocd flash -W -t {facts['pyocd'] or 'TARGET'} {folder / 'firmware.hex'}",
            f"in a program of yours   {folder / 'snn.c'}, snn.h: snn_reset(), snn_step(x, out)",
        ]

    def _bytes(self, circuit: Circuit) -> list[sizes.Bytes]:
        real = self.numbers == "float"
        summed = targets(circuit, real or weighted_output(circuit))
        given = 4 if real else 1 if self.input == "counts" else 2
        return sizes.footprint(circuit, 4 if real else 1, self.state_bits // 8, given, self.stack, summed)


def _steps(circuit: Circuit) -> list[str]:
    """The operations of the neurons' steps, as C."""
    from snnctl.kernels.c import FLOAT_EXPRESSIONS
    from snnctl.targets.mcu.checks import program_of

    programs = [program_of(circuit, name) for name in circuit.names]
    return [FLOAT_EXPRESSIONS[line.op] for program in programs for line in program.forward_lines()]


def _facts(model: Integers | Floats) -> dict:
    """What `simulate` needs to know of the network."""
    circuit = model.circuit
    real = isinstance(model, Floats)

    def part(name: str, shape: tuple[int, ...], out: bool = False) -> dict:
        if real:
            return {"name": name, "shape": shape, "type": "float", "unit": 1.0}
        cells = model.cells[name]
        kind = "int32_t" if out or not cells.spiking else "bits"
        return {"name": name, "shape": shape, "type": kind, "unit": 1.0 if cells.spiking else cells.unit}

    end = OUTPUT if real or OUTPUT in model.cells else circuit.into(OUTPUT)[0].source
    given = {"shape": circuit.shapes[INPUT], "type": "float"}
    if not real:
        given |= {"type": "uint8_t" if model.inputs.kind == "counts" else "int16_t",
                  "kind": model.inputs.kind, "scale": model.inputs.scale}  # fmt: skip
    return {
        "dt": circuit.dt,
        "numbers": "float" if real else "int8",
        "input": given,
        "output": part(end, circuit.shapes[OUTPUT], out=True),
        "populations": [part(name, circuit.shapes[name]) for name in circuit.names],
    }
