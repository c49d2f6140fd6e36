"""The core's integers: what they are for a circuit, and what they compute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT, Circuit
from snnctl.errors import UserError
from snnctl.targets.fpga.cells import Cell, leak_terms
from snnctl.targets.fpga.layout import Layout, Synapses
from snnctl.targets.target import Traces

MOST_EVENTS = 127  # of an input channel in a step: 7 bits
WIDEST = 30  # bits of a membrane
ROUNDED = 1.05  # what rounding may add to the sum of a step
FRACTION = 12  # bits of a membrane below the lowest bit of a weight, at most


@dataclass(frozen=True)
class Weights:
    """Integers of one operation: a weight w adds w 2^shift to the membrane.

    Args:
        values: int8, (sources, targets), as float64 for exact products.
        shift: bits.
        error: largest rounding error, unit of the circuit's weights.
    """

    values: Tensor
    shift: int
    error: float


@dataclass(frozen=True)
class Population:
    """Integers of one population.

    Args:
        unit: potential of 1, in the circuit's unit; rest: potential of 0.
        leak: shifts n of which v loses v >> n each in a step.
        threshold: fires at v >= threshold; None where it does not fire.
        reset: as of `Cell`, acting on the leaked membrane. amount: what it takes away or sets.
    """

    unit: float
    rest: float
    leak: tuple[int, ...]
    threshold: int | None
    reset: str
    amount: int


@dataclass(frozen=True)
class Core:
    """A circuit in the core's integers. Per step and population, in widths of S = state_bits:

        v = v + sum w[j] 2^shift    over all events j, modulo 2^S       an event a spike; in any order
        v = clamp(v, -2^(S-2), 2^(S-2) - 1)                             this v is the output
        s = 1 if v >= threshold
        u = v - sum_k (v >> n_k)                                        floor, as hardware shifts
        v = u - s amount    (subtract)    or    s amount + (1 - s) u    (value)

    Args:
        layout: order and sizes.
        shapes: population -> shape.
        state_bits: S.
        weights: of each of `layout.synapses`.
        populations: name -> integers.
        x: inputs (T, B, *input) that `facts` counts the clocks of; None for none.
    """

    layout: Layout
    shapes: dict[str, tuple[int, ...]]
    state_bits: int
    weights: tuple[Weights, ...]
    populations: dict[str, Population]
    x: Tensor | None = None

    @property
    def terms(self) -> int:
        """Stages of the leak."""
        return max(1, *(len(p.leak) for p in self.populations.values()))

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input), whole numbers of events from 0 to 127.

        Raises:
            UserError: x holds something else.
        """
        counts = events(x).double().cpu()
        weights = {s: w for s, w in zip(self.layout.synapses, self.weights, strict=True)}
        steps, batch = counts.shape[:2]
        low = 1 << (self.state_bits - 2)
        v = {n: torch.zeros(batch, size, dtype=torch.int64) for n, size in self.layout.sizes.items()}
        s = {n: torch.zeros(batch, self.layout.sizes[n], dtype=torch.float64) for n in self.layout.firing}
        given: dict[str, list[Tensor]] = {n: [] for n in v}
        arrived = {w: counts @ scaled(m) for w, m in weights.items() if w.source == INPUT}
        always = {w: scaled(m)[0] for w, m in weights.items() if w.source is None}
        products = {w: scaled(m) for w, m in weights.items() if w.source in s}
        for t in range(steps):
            for o in self.layout.operations:
                if isinstance(o, Synapses):
                    added = arrived[o][t] if o in arrived else always[o] if o in always else s[o.source] @ products[o]
                    v[o.target] = v[o.target] + added.long()
                    continue
                p = self.populations[o]
                now = wrapped(v[o], self.state_bits).clamp(-low, low - 1)
                v[o] = now - sum((now >> n for n in p.leak), torch.zeros_like(now))
                given[o].append(now)
                if p.threshold is None:
                    continue
                fired = now >= p.threshold
                s[o] = fired.double()
                given[o][-1] = fired
                if p.reset == "subtract":
                    v[o] = v[o] - fired * p.amount
                elif p.reset == "value":
                    v[o] = torch.where(fired, p.amount, v[o])
        return self.traces({n: torch.stack(steps) for n, steps in given.items()}, x.device)

    def traces(self, given: dict[str, Tensor], device: torch.device) -> Traces:
        """In the circuit's units, on a device, from what the populations gave as integers, (T, B, N)."""
        spikes = {}
        for name, values in given.items():
            p = self.populations[name]
            real = values.float() if p.threshold is not None else (values.double() * p.unit + p.rest).float()
            spikes[name] = real.reshape(*real.shape[:2], *self.shapes[name]).to(device)
        return Traces(spikes[self.layout.output], spikes)

    def clocks(self, x: Tensor, spikes: dict[str, Tensor]) -> Tensor:
        """Clocks of each step (T, B), from start to done, given what `run` gave for x."""
        counted = {INPUT: events(x).long().cpu()}
        counted |= {n: spikes[n].flatten(2).long().cpu() for n in self.layout.firing}
        drain = self.terms + 5 + 2  # and the clock that loads the operation
        total = torch.zeros(x.shape[:2], dtype=torch.int64)
        for o in self.layout.operations:
            if isinstance(o, str):
                total += self.layout.sizes[o] + drain
                continue
            fired = torch.ones_like(total) if o.source is None else counted[o.source].sum(-1)
            fired = torch.cat([torch.zeros_like(fired[:1]), fired[:-1]]) if o.delay else fired
            total += o.sources + fired * o.span + 1 + drain
        return total + 1

    def facts(self) -> dict[str, Any]:
        bits = f"weights 8 bit, membranes {self.state_bits} bit"
        errors = {
            s.title: {"shift": w.shift, "largest_rounding_error": w.error}
            for s, w in zip(self.layout.synapses, self.weights, strict=True)
        }
        neurons = {n: {**vars(p), "leak": list(p.leak)} for n, p in self.populations.items()}
        facts: dict[str, Any] = {"numbers": bits, "weights": errors, "populations": neurons}
        if self.x is not None:
            clocks = self.clocks(self.x, self.run(self.x).spikes).double()
            facts |= {"clocks a step": clocks.mean().item(), "clocks a step, most": clocks.max().item()}
        return facts


def quantised(circuit: Circuit, layout: Layout, cells: Sequence[Cell], state_bits: int, terms: int,
              x: Tensor | None = None) -> Core:  # fmt: skip
    """The core's integers for a circuit.

    Args:
        cells: its populations.
        terms: shifts of a leak, at most.
        x: as of `Core`.

    Raises:
        UserError: weights are all zero or not finite, or a threshold is out of the membrane's range.
    """
    matrices = [p.matrix(circuit.shapes[p.source]) if p.target in layout.sizes else None for p in circuit.projections]
    dense = {s: _dense(s, [matrices[i] for i in s.projections]) for s in layout.synapses}
    weights: dict[Synapses, Weights] = {}
    populations = {}
    for cell in cells:
        if not cell.gain:
            raise UserError(f"{cell.name}: its input gain is 0, so nothing arrives", "set input_gain: 1")
        into = {s: w * cell.gain for s, w in dense.items() if s.target == cell.name}
        leak = leak_terms(1 - cell.decay, terms)
        populations[cell.name], found = _population(cell, into, leak, state_bits)
        weights |= {s: Weights(w.values, w.shift, w.error / abs(cell.gain)) for s, w in found.items()}
    shapes = {name: circuit.shapes[name] for name in layout.sizes}
    return Core(layout, shapes, state_bits, tuple(weights[s] for s in layout.synapses), populations, x)


def _dense(s: Synapses, matrices: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Weights (sources, targets), float64; of a bias, the sum of all."""
    found = sum(b.double() for _, b in matrices)[None] if s.source is None else matrices[0][0].double().T
    if not found.isfinite().all():
        raise UserError(f"{s.title}: weights that are not finite", "training has diverged: lower optimizer.lr")
    if s.source is not None and not found.any():
        raise UserError(f"{s.title}: all weights are zero", "train the network, or leave the layer out")
    return found


def _population(
    cell: Cell, into: dict[Synapses, Tensor], leak: tuple[int, ...], state_bits: int
) -> tuple[Population, dict[Synapses, Weights]]:
    """A population's integers, and those of its synapses."""
    limit = 2 ** (state_bits - 2) - 1
    left = 1 - sum(2.0**-n for n in leak)  # the decay as the core has it
    largest = max((w.abs().max().item() for w in into.values()), default=0.0) or 1.0
    step = sum(
        (w.abs().sum(0) * (MOST_EVENTS if s.source == INPUT else 1)).max().item() for s, w in into.items()
    )  # the most that a step can add
    least = max(step, abs(cell.threshold or 0.0), abs(cell.amount or 0.0))
    room = math.floor(math.log2(limit / ROUNDED * largest / 127 / max(least, largest)))
    if room < 0:
        raise UserError(
            f"{cell.name}: a threshold of {cell.threshold:g} is {cell.threshold / largest:,.0f} times its largest "
            f"weight, too much for a membrane of {state_bits} bits",
            f"set target.state_bits={state_bits - room}, or a threshold nearer to the weights"
            if state_bits - room <= WIDEST
            else "train with a threshold nearer to the weights",
        )
    # Where there is room, also for what gathers over time.
    gathered = step / max(1 - left, 2.0**-10)
    wanted = math.floor(math.log2(limit / ROUNDED * largest / 127 / max(least, gathered, largest)))
    fraction = min(room, FRACTION, max(0, wanted))
    unit = largest / 127 / 2**fraction
    weights = {}
    for s, w in into.items():
        finer = fraction if not w.any() else min(fraction, math.floor(math.log2(largest / w.abs().max().item())))
        grid = unit * 2 ** (fraction - finer)
        values = (w / grid).round().clamp(-127, 127)
        weights[s] = Weights(values, fraction - finer, (values * grid - w).abs().max().item())
    kept = 1.0 if cell.delayed else left
    amount = round((cell.amount or 0.0) * kept / unit)
    threshold = None
    if cell.spiking:
        at = cell.threshold / unit
        threshold = math.floor(at) + 1 if cell.strict else math.ceil(at)
    return Population(unit, cell.rest, leak, threshold, cell.reset, amount), weights


def bits_needed(layout: Layout, name: str) -> int:
    """Width of a membrane into which no step can add too much, whatever the weights."""
    events = sum(o.sources * (MOST_EVENTS if o.source == INPUT else 1) for o in layout.synapses if o.target == name)
    return math.ceil(math.log2(max(events, 1) * 127 * ROUNDED + 1)) + 2


def scaled(w: Weights) -> Tensor:
    """What an event adds, float64 that holds whole numbers."""
    return w.values * 2.0**w.shift


def wrapped(v: Tensor, bits: int) -> Tensor:
    """v modulo 2^bits, from -2^(bits-1) to 2^(bits-1) - 1."""
    half = 1 << (bits - 1)
    return ((v + half) & ((1 << bits) - 1)) - half


def events(x: Tensor) -> Tensor:
    """Numbers of events (T, B, channels) of inputs (T, B, *input).

    Raises:
        UserError: x is not of whole numbers from 0 to 127.
    """
    x = x.flatten(2) if x.dim() > 2 else x[..., None]
    if not ((x >= 0) & (x <= MOST_EVENTS) & (x == x.round())).all():
        wrong = x[~((x >= 0) & (x <= MOST_EVENTS) & (x == x.round()))].flatten()[0].item()
        raise UserError(
            f"fpga: an input of {wrong:g}, the core takes numbers of events, 0 to {MOST_EVENTS} a channel and step",
            "use a data set of events, or encode values as spikes (encoding=poisson)",
        )
    return x
