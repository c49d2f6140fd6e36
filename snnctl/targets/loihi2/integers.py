"""A circuit in the integers of Loihi, and what they compute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from snnctl.circuits import INPUT
from snnctl.circuits.order import groups
from snnctl.errors import UserError
from snnctl.targets.loihi2.compartment import Registers, current, fired, membrane, shift
from snnctl.targets.loihi2.cores import BIAS
from snnctl.targets.readout import Readout
from snnctl.targets.target import Traces

EXACT = {torch.float32: 1 << 24, torch.float64: 1 << 53}  # whole numbers below are exact


@dataclass(frozen=True)
class Compartments:
    """A population.

    Args:
        name, shape: of the circuit's population.
        spiking: False: its output is the membrane.
        registers, vth: shared by the layer.
        mantissa, exponent: bias = mantissa 2^exponent, (N,) int64.
        start: v before the chip's first step, (N,) int64.
        latency: steps behind the circuit.
        unit: bits of v for 1 of the circuit's v, (1,) or (N,) float64.
        rest: the circuit's v where v is 0, (1,) or (N,) float64.
    """

    name: str
    shape: tuple[int, ...]
    spiking: bool
    registers: Registers
    vth: int
    mantissa: Tensor
    exponent: Tensor
    start: Tensor
    latency: int
    unit: Tensor
    rest: Tensor

    @property
    def bias(self) -> Tensor:
        return self.mantissa << self.exponent


@dataclass(frozen=True)
class Synapses:
    """A projection: a = (sum_j w_ij s_j) 2^exponent.

    Args:
        source: population, "input" or the neuron that is always on.
        weight: (N target, N source) int16.
        delay: steps between the same samples of the circuit.
        steps: on the chip, of which the connection takes the first.
    """

    source: str
    target: str
    weight: Tensor
    exponent: int
    delay: int
    steps: int

    @cached_property
    def largest(self) -> int:
        """What it could sum up to if every source gave 1, before the exponent."""
        return int(self.weight.long().abs().sum(1).max())

    def summed(self, s: Tensor, most: float = 1) -> Tensor:
        """(..., N source) whole numbers -> (..., N target) int64.

        Args:
            most: largest number in s.
        """
        dtype = torch.float32 if self.largest * most < EXACT[torch.float32] else torch.float64
        return shift((s.to(dtype) @ self._transposed(dtype)).long(), self.exponent)

    def _transposed(self, dtype: torch.dtype) -> Tensor:
        made = self.__dict__.setdefault("_made", {})
        if dtype not in made:
            made[dtype] = self.weight.to(dtype).T.contiguous()
        return made[dtype]


@dataclass(frozen=True)
class Integers:
    """A circuit in integers: a `Model`.

    Args:
        dt: step, s.
        input_shape, output_shape: of one step.
        fraction: input bits below the point: payloads are x 2^fraction.
        populations, synapses, readouts: the parts.
        rounding: what was found while it was rounded.
    """

    dt: float
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    fraction: int
    populations: tuple[Compartments, ...]
    synapses: tuple[Synapses, ...]
    readouts: tuple[Readout, ...]
    rounding: dict

    def facts(self) -> dict:
        return self.rounding

    def payloads(self, x: Tensor) -> Tensor:
        """What is sent to the chip for x (T, B, *input): (T, B, N) int64.

        Raises:
            UserError: the shape is another, or x has digits that are not sent.
        """
        if tuple(x.shape[2:]) != self.input_shape:
            raise UserError(f"the artefact takes (T, B, {', '.join(map(str, self.input_shape))}), got {tuple(x.shape)}")
        scaled = x.flatten(2).double() * 2**self.fraction
        whole = scaled.round()
        if not self.fraction and bool((whole != scaled).any()):
            raise UserError(
                "the input is not in whole numbers, and the artefact was built for those",
                "build it again with samples of this input: their bits below the point are then sent",
            )
        return whole.long()

    @torch.no_grad()
    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input), computed on the CPU; the traces are on the device of x."""
        device, x = x.device, x.cpu()
        gave = self.computed(self.payloads(x))
        traces = {p.name: self._seen(p, gave[p.name]) for p in self.populations}
        outs = {INPUT: x.flatten(2).float(), **{name: trace.flatten(2) for name, trace in traces.items()}}
        out = sum(readout.read(outs[readout.source]) for readout in self.readouts)
        traces = {name: trace.to(device) for name, trace in traces.items()}
        return Traces(out.unflatten(2, self.output_shape).to(device), traces)

    @torch.no_grad()
    def computed(self, payloads: Tensor) -> dict[str, Tensor]:
        """Spikes of every population, or v of a readout in bits, (T, B, N) whole numbers.

        Args:
            payloads: (T, B, N) int64.
        """
        outs = {INPUT: payloads, BIAS: payloads.new_ones(*payloads.shape[:2], 1)}
        most = {INPUT: max(int(payloads.abs().max()), 1) if payloads.numel() else 1}
        by_name = {p.name: p for p in self.populations}
        into = {name: [s for s in self.synapses if s.target == name] for name in by_name}
        for group in groups(tuple(by_name), [(s.source, s.target) for s in self.synapses]):
            self._together([by_name[name] for name in group], into, outs, most)
        return {name: outs[name] for name in by_name}

    def _together(self, group: list[Compartments], into, outs: dict[str, Tensor], most: dict[str, int]) -> None:
        """Run populations that see each other, or one."""
        names = {p.name for p in group}
        steps, batch = outs[INPUT].shape[:2]
        arrived, inside, u, v, gave = {}, {}, {}, {}, {}
        for p in group:
            zeros = outs[INPUT].new_zeros(steps, batch, len(p.start))
            arrived[p.name] = zeros
            for s in into[p.name]:
                if s.source not in names and s.delay < steps:
                    sent = outs[s.source][: steps - s.delay]
                    arrived[p.name][s.delay :] += s.summed(sent, most.get(s.source, 1))
            inside[p.name] = [s for s in into[p.name] if s.source in names]
            u[p.name] = v[p.name] = zeros.new_zeros(batch, len(p.start))
            gave[p.name] = zeros if not p.spiking else torch.zeros(zeros.shape)
        biases = {p.name: p.bias for p in group}
        for t in range(steps):
            for p in group:
                a = arrived[p.name][t]
                for s in inside[p.name]:
                    if t >= s.delay:
                        a = a + s.summed(gave[s.source][t - s.delay])
                u[p.name] = current(u[p.name], a, p.registers.du)
                after = membrane(v[p.name], u[p.name], biases[p.name], p.registers.dv)
                spikes = fired(after, p.vth)
                v[p.name] = after.masked_fill(spikes, 0)
                gave[p.name][t] = spikes if p.spiking else v[p.name]
        outs.update(gave)

    @staticmethod
    def _seen(p: Compartments, gave: Tensor) -> Tensor:
        """What a population gave in the circuit's unit, (T, B, *shape) float32."""
        if not p.spiking:
            gave = (gave / p.unit + p.rest).float()
        return gave.unflatten(2, p.shape)
