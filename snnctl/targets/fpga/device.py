"""One iCE40 on its board: what it has, and where its pins are."""

from __future__ import annotations

from dataclasses import dataclass

from snnctl.errors import UserError

BAUDS = (9600, 921600)


@dataclass(frozen=True)
class Device:
    """What the YAML says of a device.

    Args:
        name: as nextpnr-ice40 calls it: "up5k", "hx8k".
        package: of the chip.
        board: in words.
        clock: the board's oscillator, Hz.
        clk, rx, tx: pins of the oscillator, and of the serial line from and to the host.
        logic_cells, block_rams: that it has; a block RAM holds 4,096 bits.
        source: where the limits are from.
    """

    name: str
    package: str
    board: str
    clock: float
    clk: str
    rx: str
    tx: str
    logic_cells: int
    block_rams: int
    source: str

    def pins(self) -> str:
        """The constraints file."""
        return "".join(f"set_io {port} {getattr(self, port)}\n" for port in ("clk", "rx", "tx"))

    def clocks_per_bit(self, baud: int) -> int:
        """Of the serial line, whose rate may be 2 % off.

        Raises:
            UserError: the clock cannot make the rate.
        """
        low, high = BAUDS
        if type(baud) is not int or not low <= baud <= high:
            raise UserError(f"target.baud is {baud!r}", f"range          {low} to {high}, bit/s")
        clocks = round(self.clock / baud)
        if clocks < 8 or abs(self.clock / clocks / baud - 1) > 0.02:
            raise UserError(
                f"target.baud is {baud}, which a clock of {self.clock / 1e6:g} MHz does not make",
                "set            target.baud=115200",
            )
        return clocks
