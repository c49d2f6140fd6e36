"""The files beside the network: start, input and output, linker script and Makefile of a board."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from snnctl.kernels.c import CFLAGS
from snnctl.targets.mcu.board import Board

SOURCES = Path(__file__).parent / "c"
PLAIN = ("io.h", "main.c", "startup.c", "io_semihosting.c", "io_uart.c", "io_host.c")


def project(folder: Path, network: Mapping[str, str], board: Board, io: str, baud: int, stack: int) -> None:
    """Write all that `make` needs.

    Args:
        network: file name -> text of the network.
        io: "semihosting" or "uart".
        baud: of the serial port, bit/s. stack: bytes.
    """
    for name in PLAIN:
        (folder / name).write_text((SOURCES / name).read_text())
    for name, text in network.items():
        (folder / name).write_text(text)
    memory = (
        f"STACK = {stack};\n\nMEMORY\n{{\n"
        f"    FLASH (rx) : ORIGIN = {board.flash_at:#010x}, LENGTH = {board.flash}\n"
        f"    RAM (rwx) : ORIGIN = {board.ram_at:#010x}, LENGTH = {board.ram}\n}}\n\n"
    )
    (folder / "board.ld").write_text(memory + (SOURCES / "board.ld").read_text())
    given = {
        "SOURCES": "main.c snn.c",
        "IO": io,
        "CFLAGS": shlex.join(CFLAGS),
        "CPU": shlex.join(["-mthumb", f"-mcpu={board.cpu}", *board.flags]),
        "DEFINES": f"-DUART_{board.uart.upper()} -DUART_AT={board.uart_at:#010x}u -DUART_CLOCK={board.clock} "
        f"-DSNN_BAUD={baud}",
        "PYOCD": board.pyocd or "TARGET",
    }
    lines = "".join(f"{name} := {value}\n" for name, value in given.items())
    (folder / "Makefile").write_text(lines + (SOURCES / "Makefile").read_text())
