"""A circuit in whole numbers: int8 weights, integer membranes, and what they compute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.targets.mcu.fixed import FACTOR_BITS, Kind, Op, evaluate, largest, whole
from snnctl.targets.mcu.inputs import Inputs
from snnctl.targets.mcu.wiring import Wiring, arranged, core_weights, layers_with, wiring
from snnctl.targets.target import Traces

WEIGHT = 127
WIDE, NARROW = 1 << 29, (1 << 15) - 1  # a membrane saturates there
CURRENT = 1 << 28  # so do the current and the bias of one step, before they are added
HEADROOM = {32: 7, 16: 3}  # bits between the threshold and where the membrane saturates
FINEST = 24  # most fraction bits
FACTORS = ("decay", "gain", "syn_decay")


@dataclass(frozen=True)
class Synapses:
    """A projection in whole numbers: what arrives is 2^shift times the sum of weights that the wiring names.

    Args:
        weights: int8, in the wiring's order.
        layers: the same as layers of torch, (B, *source) -> (B, *target), exact.
        shift: to the scale of the target's accumulator.
        scale: what a weight of 1 stands for.
        error: largest rounding error of a weight, a share of the largest weight.
    """

    projection: Projection
    wiring: Wiring
    weights: Tensor
    layers: nn.Module
    shift: int
    scale: float
    error: float

    def arriving(self, s: Tensor) -> Tensor:
        """What arrives, whole numbers in the precision of the layers; s (M, *source)."""
        dtype = next((b.dtype for b in (*self.layers.parameters(), *self.layers.buffers())), torch.float32)
        return self.layers(s.to(dtype)) * (1 << self.shift)


@dataclass(frozen=True)
class State:
    """A state field: its kind, its values at rest, where it saturates, and its bits in memory."""

    name: str
    kind: Kind
    rest: int | Tensor
    limit: int
    bits: int


@dataclass(frozen=True)
class Cells:
    """A population in whole numbers.

    x = clamp(a, limit) 2^fraction + bias is the input of a step, a being the accumulator.

    Args:
        ops: of a step; none where the sum itself is what it gives.
        coefs: c_<name> -> whole number, or int64 tensor that broadcasts against (B, *shape).
        fraction: bits of the membrane below the accumulator's unit; below 0, bits of the accumulator that are rounded.
        unit: what a membrane of 1 stands for, unit of v.
        limit: of the current.
        bias: likewise.
        out, after: names of the output and of the states after a step.
    """

    name: str
    shape: tuple[int, ...]
    spiking: bool
    ops: tuple[Op, ...]
    states: tuple[State, ...]
    coefs: Mapping[str, int | Tensor]
    fraction: int
    unit: float
    limit: int
    bias: int | Tensor
    out: str
    after: tuple[str, ...]

    def step(self, a: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One step: the accumulator (B, *shape) and the states to the output and the states after."""
        f = self.fraction
        if f >= 0:
            x = a.clamp(-(self.limit >> f), self.limit >> f) << f
        else:
            x = ((a + (1 << (-f - 1))) >> -f).clamp(-self.limit, self.limit)
        values = {"x": x + self.bias, **self.coefs}
        values |= {f"s_{s.name}": value for s, value in zip(self.states, states, strict=True)}
        values = evaluate(self.ops, values)
        ends = zip(self.states, self.after, strict=True)
        return values[self.out], tuple(values[name].clamp(-s.limit, s.limit) for s, name in ends)

    def rest(self, batch: int) -> tuple[Tensor, ...]:
        """The states before the first step."""
        return tuple(torch.zeros(batch, *self.shape, dtype=torch.int64) + s.rest for s in self.states)


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
        self.synapses: dict[str, list[Synapses]] = {}
        self.cells: dict[str, Cells] = {}
        for name in (*circuit.names, *([OUTPUT] if weighted_output(circuit) else [])):
            self.synapses[name], reach = self._synapses(name)
            self.cells[name] = self._cells(name, reach)

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input)."""
        with torch.no_grad():
            outs: dict[str, Tensor] = {INPUT: self.inputs.encode(x)}
            for group in self.circuit.order:
                self._together(group, outs)
            if OUTPUT in self.cells:
                self._together((OUTPUT,), outs)
            seen = {name: self.in_unit(name, outs[name]).to(x.device) for name in self.circuit.names}
            if OUTPUT in self.cells:
                return Traces(self.in_unit(OUTPUT, outs[OUTPUT]).to(x.device), seen)
            out = seen[self.circuit.into(OUTPUT)[0].source]
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
        outside = {
            name: [self._sent(s, outs[s.projection.source]) for s in self.synapses[name]
                   if s.projection.source not in group]
            for name in group
        }  # fmt: skip
        states = {name: self.cells[name].rest(batch) for name in group}
        given: dict[str, list[Tensor]] = {name: [] for name in group}
        for t in range(steps):
            for name in group:
                arrived = [whole_sequence[t] for whole_sequence in outside[name]]
                for s in self.synapses[name]:
                    p = s.projection
                    if p.source in group and t >= p.delay:
                        arrived.append(s.arriving(given[p.source][t - p.delay]))
                a = sum(arrived, torch.zeros(batch, *self.cells[name].shape, dtype=torch.float64)).long()
                y, states[name] = self.cells[name].step(a, states[name])
                given[name].append(y)
        for name in group:
            outs[name] = torch.stack(given[name])

    @staticmethod
    def _sent(s: Synapses, y: Tensor) -> Tensor:
        """What a projection delivers over all steps, (T, B, *target)."""
        delay = s.projection.delay
        if delay:
            y = torch.cat([torch.zeros_like(y[:delay]), y])[: len(y)]
        arrived = s.arriving(y.flatten(0, 1))
        return arrived.unflatten(0, y.shape[:2])

    def _synapses(self, name: str) -> tuple[list[Synapses], int]:
        """The projections into a population, and the largest magnitude that their sum can have."""
        found, scales = [], []
        for p in self.circuit.into(name):
            shape = self.circuit.shapes[p.source]
            w = wiring(p, shape, self.circuit.shapes[name])
            weights = core_weights(p, w, shape).double()
            if not torch.isfinite(weights).all():
                raise UserError(f"{p.title}: weights are not finite", "train again, with a lower optimizer.lr")
            high = weights.abs().max().item()
            if high == 0:
                raise UserError(f"{p.title}: the weights are all zero", "is it trained?   snnctl eval RUN")
            alike = bool((weights.abs() == high).all())
            given = self.inputs.scale if p.source == INPUT else 1.0
            found.append((p, w, weights, shape, given))
            scales.append(high * given / (1 if alike else WEIGHT))
        base, reach, made = min(scales), 0, []
        for (p, w, weights, shape, given), scale in zip(found, scales, strict=True):
            # Powers of two apart, so that all add up in one accumulator by a shift.
            shift = max(0, math.ceil(math.log2(scale / base) - 1e-9))
            scale = base * (1 << shift) / given
            q = (weights / scale).round().clamp(-WEIGHT, WEIGHT)
            high = self.inputs.largest if p.source == INPUT else 1
            most = layers_with(q.abs(), p, w)(torch.full((1, *shape), float(high), dtype=torch.float64)).max().item()
            reach += round(most) << shift
            exact = torch.float32 if most < 1 << 24 else torch.float64
            error = ((q * scale - weights).abs().max() / weights.abs().max()).item()
            layers = layers_with(q.to(exact), p, w)
            made.append(Synapses(p, w, arranged(q, w).to(torch.int8), layers, shift, scale, error))
        if reach >= 1 << 30:
            raise UserError(
                f"{name}: what arrives in one step can reach {reach:,} in units of the weights, more than 32 bits hold",
                "set   target.numbers=float, or fewer inputs",
            )
        self._base = base
        return made, reach

    def _cells(self, name: str, reach: int) -> Cells:
        circuit, base = self.circuit, self._base
        shape = circuit.shapes[name]
        with torch.no_grad():
            bias = sum(p(torch.zeros(1, *circuit.shapes[p.source])) for p in circuit.into(name)).double()[0]
        if not torch.isfinite(bias).all():
            raise UserError(f"{name}: its bias is not finite", "train again, with a lower optimizer.lr")
        bias = bias.reshape(shape)
        if name == OUTPUT:
            f = _fraction(CURRENT / (reach + bias.abs().max().item() / base))
            unit = base / 2.0**f
            return Cells(name, shape, False, (), (), {}, f, unit, CURRENT, _units(bias, unit, CURRENT), "x", ())
        return in_cells(name, circuit.populations[name], circuit.dt, shape, base, reach, bias, self.bits)


def in_cells(
    name: str, neuron: Neuron, dt: float, shape: tuple[int, ...], base: float, reach: int, bias: Tensor, bits: int
) -> Cells:
    """A population in whole numbers.

    Args:
        base: unit of v that an accumulator of 1 stands for.
        reach: largest magnitude of the accumulator.
        bias: (*shape), unit of v.
        bits: of its membranes in memory, if it spikes.
    """
    x0 = torch.zeros(1, *shape)
    with torch.no_grad():
        start, coefs = neuron.initial_state(x0), neuron.coefficients(dt)
    program = neuron.program(start, coefs)
    given = {c: _double(getattr(coefs, c)) for c in program.coefs}
    kinds: dict[str, Kind] = {"x": "potential"}
    kinds |= {f"c_{c}": "factor" if c in FACTORS else "potential" for c in given}
    subtracts = getattr(neuron, "reset", None) == "subtract"
    kinds |= {f"s_{s}": "potential" if s != "due" or subtracts else "flag" for s in program.states}
    shifts = {f"c_{c}": _shift(v) for c, v in given.items() if c in FACTORS}
    narrow = neuron.spiking and bits == 16
    top = max([v.abs().max().item() for c, v in given.items() if c not in FACTORS] + [abs(neuron_floor(neuron))])
    f = _fraction(base * (NARROW if narrow else WIDE) / top / (1 << HEADROOM[16 if narrow else 32])) if top else FINEST
    if not neuron.spiking:
        steady = _steady(given) * (reach + bias.abs().max().item() / base) + top / base
        f = min(f, _fraction(CURRENT / steady))
    limit, current = WIDE, CURRENT
    while True:
        unit = base / 2.0**f
        whole_coefs = {f"c_{c}": _whole(v, shifts.get(f"c_{c}"), unit) for c, v in given.items()}
        ops = whole(program, kinds, unit, shifts)
        limits = {s: NARROW if s == "v" and narrow else limit if kinds[f"s_{s}"] == "potential" else 1
                  for s in program.states}  # fmt: skip
        high = {"x": 2 * current, **{f"s_{s}": n for s, n in limits.items()}}
        high |= {c: _most(v) for c, v in whole_coefs.items()}
        if largest(ops, high) < 1 << 31:
            break
        limit, current = limit >> 1, current >> 1
        f = f - 1 if limit < WIDE >> 3 else f
    states = tuple(
        State(s, kinds[f"s_{s}"], _rest(getattr(start, s)[0], kinds[f"s_{s}"], unit), limits[s],
              16 if s == "v" and narrow else 32)
        for s in program.states
    )  # fmt: skip
    out, after = str(program.out), tuple(map(str, program.after))
    biased = _units(bias, unit, current)
    return Cells(name, shape, neuron.spiking, ops, states, whole_coefs, f, unit, current, biased, out, after)


def weighted_output(circuit: Circuit) -> bool:
    """Whether what the circuit gives is a sum of weights, not the output of one population."""
    into = circuit.into(OUTPUT)
    return len(into) > 1 or any(not isinstance(layer, nn.Flatten | nn.Identity) for p in into for layer in p.layers)


def neuron_floor(neuron: Neuron) -> float:
    """v_min, 0 for none."""
    return getattr(neuron, "v_min", None) or 0.0


def _double(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value).detach().double()


def _shift(factor: Tensor) -> int:
    """The shift at which the largest of the factors has FACTOR_BITS."""
    return max(1, min(FACTOR_BITS, FACTOR_BITS - math.frexp(factor.abs().max().item())[1] + 1))


def _steady(coefs: Mapping[str, Tensor]) -> float:
    """What a constant input of 1 leads to; a sum without end is counted over 4,096 steps."""
    gain = coefs["gain"].abs().max().item() if "gain" in coefs else 1.0
    for name in ("decay", "syn_decay"):
        if name in coefs or name == "decay":
            left = 1 - coefs[name].max().item() if name in coefs else 0.0
            gain *= 1 / max(left, 2.0**-12)
    return gain


def _fraction(room: float) -> int:
    """Most bits below the accumulator's unit that leave this much room."""
    return min(FINEST, math.floor(math.log2(room)))


def _whole(value: Tensor, shift: int | None, unit: float) -> int | Tensor:
    scaled = (value / unit if shift is None else value * 2.0**shift).round().long()
    return scaled.item() if scaled.dim() == 0 else _compressed(scaled)


def _most(value: int | Tensor) -> int:
    return abs(value) if isinstance(value, int) else int(value.abs().max())


def _units(bias: Tensor, unit: float, limit: int) -> int | Tensor:
    return _compressed((bias / unit).round().clamp(-limit, limit).long())


def _rest(start: Tensor, kind: Kind, unit: float) -> int | Tensor:
    return _compressed((start.double() / (unit if kind == "potential" else 1)).round().long())


def _compressed(values: Tensor) -> int | Tensor:
    """One number where all are alike, (C, 1, ...) where those of a channel are, else all of them."""
    if bool((values == values.flatten()[0]).all()):
        return int(values.flatten()[0])
    if values.dim() > 1 and bool((values.flatten(1) == values.flatten(1)[:, :1]).all()):
        return values.flatten(1)[:, 0].view(-1, *[1] * (values.dim() - 1)).contiguous()
    return values.contiguous()
