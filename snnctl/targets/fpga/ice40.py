"""The target "fpga": a network on a Lattice iCE40."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from snnctl.circuits import Circuit
from snnctl.errors import UserError, did_you_mean
from snnctl.targets.fpga import simulation, toolchain, verilog
from snnctl.targets.fpga.arithmetic import Core, quantised
from snnctl.targets.fpga.cells import Cell, cell
from snnctl.targets.fpga.device import Device
from snnctl.targets.fpga.layout import Layout, layout, logic_cells, misfits
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.target import Target, Traces
from snnctl.targets.tools import Tool

DEBIAN = "apt-get install"


class ICE40(Target):
    """Verilog for a Lattice iCE40: an event-driven core that adds up one weight a clock, and a serial line to feed it.

    Args:
        device: a name of `devices`.
        devices: name -> what it has, and the board's pins; see `Device`.
        state_bits: width of a membrane, 12 to 30.
        decay_terms: shifts that make a leak, 1 to 8: v - (v >> n1) - (v >> n2) ...
        baud: of the serial line, bit/s.
        synthesise: make the bitstream; else Verilog only, which simulates.
        build_seconds, simulate_seconds, flash_seconds: time limits of each tool.

    Raises:
        UserError: a value out of range, or an unknown device.
    """

    name = "fpga"
    emulates = "Icarus Verilog"
    tools = (
        Tool("iverilog", f"{DEBIAN} iverilog", purpose="simulate"),
        Tool("yosys", f"{DEBIAN} yosys", purpose="build"),
        Tool("nextpnr-ice40", f"{DEBIAN} nextpnr-ice40", purpose="build"),
        Tool("icepack", f"{DEBIAN} fpga-icestorm", purpose="build"),
        Tool("iceprog", f"{DEBIAN} fpga-icestorm", purpose="flash"),
    )

    def __init__(
        self,
        device: str = "up5k",
        devices: Mapping[str, Mapping[str, Any]] | None = None,
        state_bits: int = 24,
        decay_terms: int = 4,
        baud: int = 115200,
        synthesise: bool = True,
        build_seconds: float = 600,
        simulate_seconds: float = 600,
        flash_seconds: float = 60,
    ):
        devices = devices or {}
        if device not in devices:
            raise UserError(f"target.device is {device!r}", did_you_mean(str(device), devices))
        self.device = Device(name=device, **devices[device])
        for key, value, low, high in (("state_bits", state_bits, 12, 30), ("decay_terms", decay_terms, 1, 8)):
            if type(value) is not int or not low <= value <= high:
                raise UserError(f"target.{key} is {value!r}", f"range          {low} to {high}")
        self.device.clocks_per_bit(baud)
        self.state_bits, self.decay_terms, self.baud, self.synthesise = state_bits, decay_terms, baud, synthesise
        self.build_seconds, self.simulate_seconds, self.flash_seconds = build_seconds, simulate_seconds, flash_seconds

    def plan(self, circuit: Circuit) -> Plan:
        found = misfits(circuit)
        if found:
            raise DoesNotFit(f"fpga ({self.device.name})", found)
        placed = layout(circuit)
        cells = self._cells(circuit)
        plan = Plan(
            {f"{self.device.name} core": circuit.names},
            tuple(self._resources(placed)),
            tuple(note for c in cells for note in self._notes(c, circuit.dt)),
            (self.device.source,),
            {"layout": placed},
        )
        found = [*self._too_many_synapses(placed), *(self._with_hint(m) for m in plan.exceeded())]
        if found:
            raise DoesNotFit(f"fpga ({self.device.name})", found)
        return plan

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Core:
        return quantised(
            circuit, plan.details["layout"], self._cells(circuit), self.state_bits, self.decay_terms, x
        )

    def build(self, model: Core, circuit: Circuit, plan: Plan, folder: Path) -> None:
        verilog.write(model, folder)
        simulation.write(model, folder)
        (folder / "pins.pcf").write_text(self.device.pins())
        if self.synthesise:
            found = toolchain.bitstream(folder, self.device, self.baud, self.build_seconds)
            (folder / toolchain.PLACED).write_text(json.dumps(found, indent=1) + "\n")

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return simulation.run(folder, x, self.simulate_seconds)[0]

    def flash(self, folder: Path) -> str:
        return toolchain.flash(folder, self.device, self.flash_seconds)

    def next_steps(self, folder: Path) -> list[str]:
        design = folder / toolchain.DESIGN
        if not design.exists():
            return ["make the bitstream   snnctl deploy RUN target=fpga target.synthesise=true"]
        placed = json.loads((folder / toolchain.PLACED).read_text())
        return [
            toolchain.said(placed),
            f"iceprog {design}   on the {self.device.board}",
            f"the serial line ({self.baud} baud, 8N1) and its bytes are described in {folder / 'top.v'}",
        ]

    def _cells(self, circuit: Circuit) -> list[Cell]:
        return [
            cell(name, neuron, math.prod(circuit.shapes[name]), circuit.dt)
            for name, neuron in circuit.populations.items()
        ]

    def _resources(self, placed: Layout) -> list[Resource]:
        rams = placed.block_rams(self.state_bits)
        said = ", ".join(f"{count} {memory}" for memory, count in rams.items())
        cells = logic_cells(placed, self.state_bits)
        return [
            Resource(self.device.name, f"block RAMs ({said})", sum(rams.values()), self.device.block_rams),
            Resource(self.device.name, "logic cells (estimated)", cells, self.device.logic_cells),
        ]

    def _with_hint(self, m: Misfit) -> Misfit:
        return m

    def _too_many_synapses(self, placed: Layout) -> list[Misfit]:
        """Populations into which one step could add more than a membrane holds, whatever the weights."""
        return []

    def _notes(self, c: Cell, dt: float) -> list[str]:
        return []
