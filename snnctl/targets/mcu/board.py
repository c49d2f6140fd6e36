"""Boards: core, memory, and what stands in for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from snnctl.errors import UserError


@dataclass(frozen=True)
class Board:
    """A board with a Cortex-M.

    Args:
        cpu: gcc's name of the core, such as "cortex-m3".
        flags: further flags of gcc for it, such as its FPU.
        fpu: whether it computes in float.
        flash, ram: bytes.
        flash_at, ram_at: their addresses.
        uart: its serial port: "pl011" or "cmsdk".
        uart_at: address of the serial port.
        clock: of the serial port, Hz.
        qemu: its name in QEMU; None: QEMU has none.
        qemu_tick: ns of a tick of SysTick there; None: unknown, instructions are not counted.
        pyocd: its name in pyOCD; None: it is flashed by other means.
    """

    cpu: str
    flags: tuple[str, ...]
    fpu: bool
    flash: int
    ram: int
    flash_at: int
    ram_at: int
    uart: Literal["pl011", "cmsdk"]
    uart_at: int
    clock: int
    qemu: str | None = None
    qemu_tick: int | None = None
    pyocd: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "flags", tuple(self.flags))
        for name in ("flash", "ram"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) <= 0:
                raise UserError(
                    f"target.boards: {name} is {getattr(self, name)!r}", "range          1 and above, bytes"
                )
        if self.uart not in ("pl011", "cmsdk"):
            raise UserError(f"target.boards: uart is {self.uart!r}", "choose from    pl011, cmsdk")
