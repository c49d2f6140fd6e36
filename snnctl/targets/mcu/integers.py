"""A circuit in whole numbers: int8 weights, integer membranes, and what they compute."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.targets.mcu.cells import Cells, in_cells, summed
from snnctl.targets.mcu.inputs import Inputs
from snnctl.targets.mcu.synapses import Synapses, bias_of, synapses_into
from snnctl.targets.target import Traces


class Integers:
    """A circuit in whole numbers.

    Args:
        circuit: in float.
        inputs: form of what it is given.
        bits: of the membranes of spiking neurons in memory, 16 or 32.

    Raises:
        UserError: weights or biases that are not finite, or weights that are all zero; a sum that 32 bits cannot hold.
    """

    def __init__(self, circuit: Circuit, inputs: Inputs, bits: int = 32):
        self.circuit, self.inputs, self.bits = circuit, inputs, bits
        self.sample: Tensor | None = None  # inputs to count instructions on
        self.synapses: dict[str, list[Synapses]] = {}
        self.cells: dict[str, Cells] = {}
        for name in (*circuit.names, *([OUTPUT] if weighted_output(circuit) else [])):
            self.synapses[name], base, reach = synapses_into(circuit, name, inputs)
            shape, bias = circuit.shapes[name], bias_of(circuit, name)
            if name == OUTPUT:
                self.cells[name] = summed(name, shape, base, reach, bias)
            else:
                neuron = circuit.populations[name]
                self.cells[name] = in_cells(name, neuron, circuit.dt, shape, base, reach, bias, bits)

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input)."""
        with torch.no_grad():
            outs: dict[str, Tensor] = {INPUT: self.inputs.encode(x.cpu())}
            for group in self.circuit.order:
                self._together(group, outs)
            if OUTPUT in self.cells:
                self._together((OUTPUT,), outs)
            seen = {name: self.in_unit(name, outs[name]).to(x.device) for name in self.circuit.names}
            if OUTPUT in self.cells:
                return Traces(self.in_unit(OUTPUT, outs[OUTPUT]).to(x.device), seen)
            p = self.circuit.into(OUTPUT)[0]
            out = _late(seen[p.source], p.delay)
            return Traces(out.reshape(*out.shape[:2], *self.circuit.shapes[OUTPUT]), seen)

    def in_unit(self, name: str, values: Tensor) -> Tensor:
        """Outputs of a population as float32: spikes as they are, membranes in the unit of v."""
        cells = self.cells[name]
        return values.float() if cells.spiking else (values.double() * cells.unit).float()

    def facts(self) -> dict[str, Any]:
        """Scales, bits and the largest error of what was rounded."""
        every = [s for each in self.synapses.values() for s in each]
        return {
            "numbers": "int8",
            "state_bits": self.bits,
            "input": self.inputs.kind,
            "input_scale": self.inputs.scale,
            "largest_weight_error": max(s.error for s in every),
            "scales": {s.projection.title: s.scale for s in every},
            "units": {name: cells.unit for name, cells in self.cells.items()},
            "fraction_bits": {name: cells.fraction for name, cells in self.cells.items()},
        }

    def _together(self, group: tuple[str, ...], outs: dict[str, Tensor]) -> None:
        """Run populations over all steps; those of a cycle step by step."""
        steps, batch = outs[INPUT].shape[:2]
        outside = {name: self._from_outside(name, group, outs) for name in group}
        states = {name: self.cells[name].rest(batch) for name in group}
        given: dict[str, list[Tensor]] = {name: [] for name in group}
        for t in range(steps):
            for name in group:
                arrived = outside[name][t]
                for s in self.synapses[name]:
                    p = s.projection
                    if p.source in group and t >= p.delay:
                        arrived = arrived + s.arriving(given[p.source][t - p.delay]).view(arrived.shape)
                y, states[name] = self.cells[name].step(arrived, states[name])
                given[name].append(y)
        for name in group:
            outs[name] = torch.stack(given[name])

    def _from_outside(self, name: str, group: tuple[str, ...], outs: dict[str, Tensor]) -> Tensor:
        """What projections from outside a group deliver over all steps, (T, B, *shape)."""
        steps, batch = outs[INPUT].shape[:2]
        arrived = torch.zeros(steps, batch, *self.cells[name].shape, dtype=torch.int64)
        for s in self.synapses[name]:
            if s.projection.source not in group:
                y = _late(outs[s.projection.source], s.projection.delay)
                arrived += s.arriving(y.flatten(0, 1)).view(arrived.shape)
        return arrived


def weighted_output(circuit: Circuit) -> bool:
    """Whether what the circuit gives is a sum of weights, not the output of one population."""
    into = circuit.into(OUTPUT)
    return len(into) > 1 or any(not isinstance(layer, nn.Flatten | nn.Identity) for p in into for layer in p.layers)


def _late(y: Tensor, delay: int) -> Tensor:
    """y (T, ...) some steps later, 0 before."""
    return torch.cat([torch.zeros_like(y[:delay]), y])[: len(y)] if delay else y
