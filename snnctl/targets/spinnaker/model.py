"""A circuit in the integers of SpiNNaker's cores, and what they compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT
from snnctl.circuits.order import groups
from snnctl.errors import UserError
from snnctl.targets.readout import Readout
from snnctl.targets.spinnaker import fixed
from snnctl.targets.target import Traces

BIAS = "(bias)"  # a source that fires at every step


@dataclass(frozen=True)
class Population:
    """Neurons of sPyNNaker's IF_curr_exp; potentials in mV, mV = unit v.

    Args:
        tau_m, tau_syn, v_rest, v_reset, threshold: (1,) or (N,) float64; times in steps, infinite threshold: a readout.
        refractory: steps.
        shifts: of the sums of excitatory and of inhibitory weights.
    """

    name: str
    shape: tuple[int, ...]
    latency: int
    unit: float
    refractory: int
    shifts: tuple[int, int]
    tau_m: Tensor
    tau_syn: Tensor
    v_rest: Tensor
    v_reset: Tensor
    threshold: Tensor

    @property
    def spiking(self) -> bool:
        return bool(self.threshold.isfinite().all())


@dataclass(frozen=True)
class Connections:
    """A projection; weights in nA, as sPyNNaker is given them.

    Args:
        weight: (N target, N source) float64. delay: steps in the circuit. steps: on the machine.
    """

    source: str
    target: str
    weight: Tensor
    delay: int
    steps: int


@dataclass(frozen=True)
class Fixed:
    """A circuit in integers: a `Model`.

    Args:
        copies: sources of an input, of which as many fire in a step as it counts; what it counts above is lost.
    """

    dt: float
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    copies: int
    populations: tuple[Population, ...]
    connections: tuple[Connections, ...]
    readouts: tuple[Readout, ...]
    rounding: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        return self.rounding

    def counts(self, x: Tensor) -> Tensor:
        """Spikes of an input at each step, up to `copies`, (T, B, N) float32.

        Raises:
            UserError: the shape is another, or x counts nothing.
        """
        if tuple(x.shape[2:]) != self.input_shape:
            raise UserError(f"the artefact takes (T, B, {', '.join(map(str, self.input_shape))}), got {tuple(x.shape)}")
        x = x.flatten(2).float()
        if bool((x != x.round()).any()) or bool((x < 0).any()):
            raise UserError(
                f"sources send spikes, and the input is {x.min():g} to {x.max():g}, not in whole numbers above 0",
                "encode it in spikes: an encoding of the data set, or network layers that spike first",
            )
        return x.clamp(max=self.copies)

    @torch.no_grad()
    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input), computed on the CPU; the traces are on the device of x."""
        device, x = x.device, x.cpu()
        given = self.counts(x)
        outs = {INPUT: given, BIAS: given.new_ones(*given.shape[:2], 1)}
        by_name = {p.name: p for p in self.populations}
        for group in groups(tuple(by_name), [(c.source, c.target) for c in self.connections]):
            self._together([by_name[name] for name in group], outs)
        traces = {p.name: outs[p.name].unflatten(2, p.shape) for p in self.populations}
        out = sum(readout.read(outs[readout.source]) for readout in self.readouts)
        traces = {name: trace.to(device) for name, trace in traces.items()}
        return Traces(out.unflatten(2, self.output_shape).to(device), traces)

    def _together(self, group: list[Population], outs: dict[str, Tensor]) -> None:
        """Run populations that see each other, or one."""
        steps, batch = outs[INPUT].shape[:2]
        for p in group:
            outs[p.name] = outs[INPUT].new_zeros(steps, batch, len(p.v_rest))
        cells = [_Cells(p, [c for c in self.connections if c.target == p.name], batch) for p in group]
        before = {p.name for p in group}
        for c in cells:
            c.prepare(outs, before)
        for t in range(steps):
            for c in cells:
                outs[c.population.name][t] = c.step(outs, t)


class _Cells:
    """A population while it runs."""

    def __init__(self, p: Population, into: list[Connections], batch: int):
        self.population, self.into = p, into
        # R is 1: alpha = i + v_rest, and v = alpha - exp(-1 / tau_m) (alpha - v)
        self.kept = fixed.bits(torch.exp(-fixed.bits(1 / p.tau_m).double() / fixed.ONE))
        factor = torch.exp(-1 / p.tau_syn)
        self.decay = (factor * 2**fixed.FRACTION).round().long()
        self.init = (p.tau_syn * (1 - factor) * 2**fixed.FRACTION).round().long()
        self.rest, self.reset = fixed.bits(p.v_rest), fixed.bits(p.v_reset)
        self.threshold = fixed.bits(p.threshold) if p.spiking else None
        shape = (batch, len(p.v_rest))
        self.v = self.rest.expand(shape).clone()
        self.i = [torch.zeros(shape, dtype=torch.long) for _ in range(2)]
        self.wait = torch.zeros(shape, dtype=torch.long)
        self.weights = [[_rounded(c.weight, sign, shift) for c in into]
                        for sign, shift in zip((1, -1), p.shifts, strict=True)]  # fmt: skip
        self.sums: list[list[Tensor | None]] = []

    def prepare(self, outs: dict[str, Tensor], together: set[str]) -> None:
        """What arrives from populations that ran before, for all steps at once."""
        steps = len(outs[INPUT])
        for weights in self.weights:
            total = None
            for c, weight in zip(self.into, weights, strict=True):
                if c.source not in together and c.delay < steps:
                    sent = torch.zeros(*outs[INPUT].shape[:2], weight.shape[1], dtype=torch.float64)
                    sent[c.delay :] = outs[c.source][: steps - c.delay].double() @ weight
                    total = sent if total is None else total + sent
            self.sums.append(total)
        self.inside = [k for k, c in enumerate(self.into) if c.source in together]

    def step(self, outs: dict[str, Tensor], t: int) -> Tensor:
        """One step: spikes (B, N), or v of a readout in the circuit's unit."""
        p = self.population
        for kind, (weights, shift) in enumerate(zip(self.weights, p.shifts, strict=True)):
            total = torch.zeros(self.v.shape, dtype=torch.float64) if self.sums[kind] is None else self.sums[kind][t]
            for k in self.inside:
                c = self.into[k]
                if t >= c.delay:
                    total = total + outs[c.source][t - c.delay].double() @ weights[k]
            arrived = total.long().clamp(max=fixed.WEIGHT) << shift
            self.i[kind] = self.i[kind] + fixed.decayed(arrived, self.init)
        alpha = self.i[0] - self.i[1] + self.rest
        v = alpha - fixed.product(self.kept, alpha - self.v)
        if p.refractory:
            v = torch.where(self.wait > 0, self.v, v)
            self.wait = (self.wait - 1).clamp(min=0)
        self.i = [fixed.decayed(i, self.decay) for i in self.i]
        if not p.spiking:
            self.v = v
            return (v.double() / fixed.ONE / p.unit).float()
        spikes = v >= self.threshold
        self.v = torch.where(spikes, self.reset, v)
        if p.refractory:
            self.wait = torch.where(spikes, p.refractory, self.wait)
        return spikes.float()


def _rounded(weight: Tensor, sign: int, shift: int) -> Tensor:
    """The weights of one sign as sPyNNaker writes them: (N source, N target) whole numbers."""
    return (weight * sign).clamp(min=0).mul(2.0 ** (fixed.POINT - shift)).round().clamp(max=fixed.WEIGHT).T.contiguous()
