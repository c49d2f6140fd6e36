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
from snnctl.targets.fpga.arithmetic import WIDEST, Core, bits_needed, quantised
from snnctl.targets.fpga.cells import Cell, cell, leak_terms
from snnctl.targets.fpga.device import Device
from snnctl.targets.fpga.layout import BRAM, RING_CELLS, Layout, layout, logic_cells, misfits
from snnctl.targets.plan import DoesNotFit, Misfit, Plan, Resource
from snnctl.targets.target import Target, Traces


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
    tools = (simulation.IVERILOG, toolchain.YOSYS, toolchain.NEXTPNR, toolchain.ICEPACK, toolchain.ICEPROG)

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
        self.devices = devices = devices or {}
        if device not in devices:
            raise UserError(f"target.device is {device!r}", did_you_mean(str(device), devices))
        self.device = Device(name=device, **devices[device])
        for key, value, low, high in (("state_bits", state_bits, 12, WIDEST), ("decay_terms", decay_terms, 1, 8)):
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
            tuple(self._resources(placed, max(1, *map(self._terms, cells)))),
            tuple(note for c in cells for note in self._notes(c, circuit.dt)),
            (self.device.source,),
            {"layout": placed},
        )
        found = self._exceeded(plan, placed)
        if found:
            raise DoesNotFit(f"fpga ({self.device.name})", found)
        return plan

    def quantise(self, circuit: Circuit, plan: Plan, x: Tensor | None = None) -> Core:
        return quantised(circuit, plan.details["layout"], self._cells(circuit), self.state_bits, self.decay_terms, x)

    def build(self, model: Core, circuit: Circuit, plan: Plan, folder: Path) -> None:
        verilog.write(model, folder)
        simulation.write(model, folder)
        (folder / "pins.pcf").write_text(self.device.pins())
        if self.synthesise:
            found = toolchain.bitstream(folder, self.device, self.baud, self.build_seconds)
            found |= {key: value for key, value in model.facts().items() if key.startswith("clocks")}
            found["step_seconds"] = circuit.dt
            (folder / toolchain.PLACED).write_text(json.dumps(found, indent=1) + "\n")

    def simulate(self, folder: Path, x: Tensor) -> Traces:
        return simulation.run(folder, x, self.simulate_seconds)[0]

    def flash(self, folder: Path) -> str:
        return toolchain.flash(folder, self.device, self.flash_seconds)

    def measured(self, folder: Path) -> list[Resource]:
        return toolchain.placed(folder) if (folder / toolchain.PLACED).exists() else []

    def next_steps(self, folder: Path) -> list[str]:
        design = folder / toolchain.DESIGN
        if not design.exists():
            return ["make the bitstream   snnctl deploy RUN target=fpga target.synthesise=true"]
        return [
            f"iceprog {design}   on the {self.device.board}",
            f"the serial line ({self.baud} baud, 8N1) and its bytes are described in {folder / 'top.v'}",
        ]

    def _cells(self, circuit: Circuit) -> list[Cell]:
        return [
            cell(name, neuron, math.prod(circuit.shapes[name]), circuit.dt)
            for name, neuron in circuit.populations.items()
        ]

    def _resources(self, placed: Layout, terms: int) -> list[Resource]:
        rams = placed.block_rams(self.state_bits)
        said = ", ".join(f"{memory} {count}" for memory, count in rams.items())
        cells = logic_cells(placed, self.state_bits, terms)
        return [
            Resource(self.device.name, f"block RAMs ({said})", sum(rams.values()), self.device.block_rams),
            Resource(self.device.name, "logic cells (at most, estimated)", cells, self.device.logic_cells),
        ]

    def _exceeded(self, plan: Plan, placed: Layout) -> list[Misfit]:
        """Too few block RAMs or logic cells, and membranes too narrow for what a step can add."""
        found = []
        rams, cells = plan.resources
        largest = max(placed.synapses, key=lambda s: s.weights)
        if rams.exceeded:
            free = self.device.block_rams - (rams.used - placed.block_rams(self.state_bits)["weights"])
            fits = f"{max(0, int(free)) * BRAM // 8:,} weights fit"
            shape = f"{largest.sources} x {largest.targets} weights of {placed.weights:,}"
            problem = f"{shape}: {rams.used:.0f} {rams.name}, {self.device.name} has {rams.available:.0f}"
            found.append(Misfit(largest.title, problem, f"{fits}: set network.hidden smaller{self._larger(rams.used)}"))
        if cells.exceeded:
            name = max(placed.sizes, key=lambda n: placed.sizes[n] * (n in placed.firing))
            problem = f"{placed.sizes[name]} neurons: about {cells.used:,.0f} logic cells"
            problem += f", {self.device.name} has {cells.available:,.0f}"
            rings = RING_CELLS * sum(placed.sizes[n] for n in placed.firing)
            fits = max(0, int((cells.available - cells.used + rings) / RING_CELLS))
            found.append(Misfit(name, problem, f"{fits:,} spiking neurons fit: set network.hidden smaller"))
        for name in placed.sizes:
            bits = bits_needed(placed, name)
            if bits > self.state_bits:
                problem = f"what a step can add takes a membrane of {bits} bits, it has {self.state_bits}"
                hint = f"set target.state_bits={bits}" if bits <= WIDEST else "set network.hidden smaller"
                found.append(Misfit(name, problem, hint))
        return found

    def _larger(self, rams: float) -> str:
        """Devices that have room."""
        names = [name for name, device in self.devices.items() if device["block_rams"] >= rams]
        return f", or target.device={names[0]}" if names else ""

    def _terms(self, c: Cell) -> int:
        """Stages of a leak; as many as allowed where it is not known yet."""
        return self.decay_terms if c.decay is None else len(leak_terms(1 - c.decay, self.decay_terms))

    def _notes(self, c: Cell, dt: float) -> list[str]:
        """Where the leak is not the one asked for."""
        if c.decay is None:
            return [f"{c.name}: its leak is learned, and rounded to {self.decay_terms} shifts once it is known"]
        shifts = leak_terms(1 - c.decay, self.decay_terms)
        got = 1 - sum(2.0**-n for n in shifts)
        if abs(got - c.decay) < 1e-9:
            return []
        terms = " - ".join(f"2^-{n}" for n in shifts) or "nothing"
        taus = [dt / -math.log(d) if 0 < d < 1 else 0.0 if d <= 0 else math.inf for d in (c.decay, got)]
        off = f", {100 * (taus[1] / taus[0] - 1):+.2g} %" if 0 < taus[0] < math.inf and taus[1] < math.inf else ""
        return [
            f"{c.name}: decay {c.decay:.6g} a step asked, 1 - {terms} = {got:.6g} got: "
            f"time constant {taus[0]:.4g} s asked, {taus[1]:.4g} s got{off}"
        ]
