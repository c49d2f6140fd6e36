"""A population in whole numbers: its scale, its states, its step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.neurons.neuron import Neuron
from snnctl.targets.mcu.fixed import FACTOR_BITS, Kind, Op, evaluate, largest, whole

WIDE, NARROW = 1 << 29, (1 << 15) - 1  # a membrane saturates there
CURRENT = 1 << 28  # so do the current and the bias of one step, before they are added
HEADROOM = {32: 7, 16: 3}  # bits between the threshold and where the membrane saturates
FINEST, COARSEST = 24, -29  # fraction bits
FACTORS = ("decay", "gain", "syn_decay")


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


def in_cells(
    name: str, neuron: Neuron, dt: float, shape: tuple[int, ...], base: float, reach: int, bias: Tensor, bits: int
) -> Cells:
    """A population in whole numbers. Its unit is the finest at which no value of a step passes 32 bits and its
    potentials, the threshold among them, lie HEADROOM bits below where the membrane saturates.

    Args:
        base: what an accumulator of 1 stands for, unit of v.
        reach: largest magnitude of the accumulator.
        bias: (*shape), unit of v.
        bits: of its membranes in memory, if it spikes.
    """
    with torch.no_grad():
        start, coefs = neuron.initial_state(torch.zeros(1, *shape)), neuron.coefficients(dt)
    program = neuron.program(start, coefs)
    given = {c: torch.as_tensor(getattr(coefs, c)).detach().double() for c in program.coefs}
    subtracts = getattr(neuron, "reset", None) == "subtract"
    kinds: dict[str, Kind] = {"x": "potential"}
    kinds |= {f"c_{c}": "factor" if c in FACTORS else "potential" for c in given}
    kinds |= {f"s_{s}": "flag" if s == "due" and not subtracts else "potential" for s in program.states}
    shifts = {f"c_{c}": _shift(v) for c, v in given.items() if c in FACTORS}
    narrow = neuron.spiking and bits == 16
    potentials = [v.abs().max().item() for c, v in given.items() if c not in FACTORS]
    top = max([*potentials, abs(getattr(neuron, "v_min", None) or 0.0)])
    fraction = FINEST
    if top:
        fraction = _fraction(base / top * (NARROW if narrow else WIDE) / (1 << HEADROOM[16 if narrow else 32]))
    if not neuron.spiking:
        largest_input = reach + bias.abs().max().item() / base
        fraction = min(fraction, _fraction(CURRENT / (_steady(given) * largest_input + top / base)))
    limit, current = WIDE, CURRENT
    while True:
        unit = base / 2.0**fraction
        values = {f"c_{c}": _whole(v, shifts.get(f"c_{c}"), unit) for c, v in given.items()}
        ops = whole(program, kinds, unit, shifts)
        limits = {s: 1 if kinds[f"s_{s}"] == "flag" else NARROW if s == "v" and narrow else limit
                  for s in program.states}  # fmt: skip
        high = {"x": 2 * current, **{f"s_{s}": n for s, n in limits.items()}}
        if largest(ops, high | {c: _most(v) for c, v in values.items()}) < 1 << 31:
            break
        limit, current = limit >> 1, current >> 1
        fraction -= limit < WIDE >> 3  # a large gain: less headroom first, then less precision
    states = tuple(
        State(s, kinds[f"s_{s}"], _rest(getattr(start, s)[0], kinds[f"s_{s}"], unit), limits[s],
              16 if s == "v" and narrow else 32)
        for s in program.states
    )  # fmt: skip
    biased = _units(bias, unit, current)
    return Cells(name, shape, neuron.spiking, ops, states, values, fraction, unit, current, biased,
                 str(program.out), tuple(map(str, program.after)))  # fmt: skip


def summed(name: str, shape: tuple[int, ...], base: float, reach: int, bias: Tensor) -> Cells:
    """What has no neurons and gives the sum itself; arguments as of `in_cells`."""
    fraction = _fraction(CURRENT / (reach + bias.abs().max().item() / base))
    unit = base / 2.0**fraction
    return Cells(name, shape, False, (), (), {}, fraction, unit, CURRENT, _units(bias, unit, CURRENT), "x", ())


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
    return max(COARSEST, min(FINEST, math.floor(math.log2(room))))


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
