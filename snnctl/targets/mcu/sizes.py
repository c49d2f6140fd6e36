"""Flash and RAM of each layer: before anything is compiled, and from the linker."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.targets.mcu.board import Board
from snnctl.targets.mcu.source import longest_delays
from snnctl.targets.mcu.wiring import wiring
from snnctl.targets.plan import Misfit

# Bytes of machine code, measured with gcc 12 -O2 on the four boards: start, input and output, and what a population and
# a projection add at most. float on top: newlib's mathematics, where a step calls it, is not in them.
PROGRAM, POPULATION, PROJECTION = 1250, 200, 200
STATICS = 24  # bytes of RAM: numbers of open files, rounds of the timer, rounding up to words
OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


class Bytes(NamedTuple):
    """What a layer takes."""

    layer: str
    flash: int
    ram: int


def footprint(circuit: Circuit, number: int, state: int, given: int, stack: int, summed: Iterable[str]) -> list[Bytes]:
    """Bytes by layer, then of what all share; reads shapes and time constants only.

    Args:
        number: bytes of a weight: 1 in whole numbers, 4 in float.
        state: bytes of a membrane that spikes.
        given: bytes of an input value.
        stack: bytes.
        summed: the populations, and the output where it is a sum.
    """
    kept, real = longest_delays(circuit), number == 4
    sizes = {name: math.prod(shape) for name, shape in circuit.shapes.items()}
    found = []
    for name in summed:
        flash = sum(_weights(p, circuit, number) for p in circuit.into(name))
        if name == OUTPUT:
            found.append(Bytes(name, flash + POPULATION, 0))
            continue
        neuron = circuit.populations[name]
        x0 = like(neuron, circuit.shapes[name])
        start, coefs = neuron.initial_state(x0), neuron.coefficients(circuit.dt)
        flash += POPULATION + 4 * sum(
            v.numel() for v in coefs if isinstance(v, Tensor) and (v.numel() > 1 or real)
        )  # fmt: skip
        fields = [f for f in start._fields if getattr(start, f) is not None]
        narrow = 4 if real or not neuron.spiking else state
        ram = sum((narrow if f == "v" else 4) * sizes[name] for f in fields)
        words = -(-sizes[name] // 32) if neuron.spiking and not real else sizes[name]
        found.append(Bytes(name, flash, ram + 4 * words * (1 + kept[name])))
    most = max(sizes[name] for name in summed)
    ends = given * sizes[INPUT] * (1 + bool(kept[INPUT]) * (kept[INPUT] + 1)) + 4 * sizes[OUTPUT]
    return [
        *found,
        Bytes("accumulators", 0, 4 * most),
        Bytes("input and output", 0, ends),
        Bytes("program and stack", PROGRAM, stack + STATICS),
    ]


def too_large(
    board_name: str, boards: Mapping[str, Board], each: Iterable[Bytes], excess: Mapping[str, int] | None = None
) -> list[Misfit]:
    """A misfit for each memory that is too small, with the bytes of every layer.

    Args:
        each: bytes by layer.
        excess: memory -> bytes too many, as the linker found; None: by the sums.
    """
    each, found = list(each), []
    board = boards[board_name]
    for memory, there in (("flash", board.flash), ("ram", board.ram)):
        needs = {b.layer: getattr(b, memory) for b in each if getattr(b, memory)}
        total = sum(needs.values()) if excess is None else there + excess.get(memory, 0)
        if total <= there:
            continue
        listed = ", ".join(f"{layer} {n:,}" for layer, n in sorted(needs.items(), key=lambda item: -item[1]))
        larger = [n for n, b in boards.items() if getattr(b, memory) >= total and b.fpu >= board.fpu]
        hint = f"set target.board={larger[0]}" if larger else "no board here has as much"
        largest = max(needs, key=needs.__getitem__)
        word = "flash" if memory == "flash" else "RAM"
        problem = f"{word} {total:,} bytes, {board_name} has {there:,}: {listed}"
        found.append(Misfit(largest, problem, f"make it smaller, or {hint}"))
    return found


def overflow(message: str) -> dict[str, int]:
    """Memory -> bytes too many, of a linker's message."""
    return {region.lower(): int(n) for region, n in OVERFLOW.findall(message)}


def linked(text: str) -> tuple[int, int]:
    """Flash and RAM of the output of `size`: text + data, data + bss."""
    code, data, bss = map(int, text.splitlines()[1].split()[:3])
    return code + data, data + bss


def _weights(p: Projection, circuit: Circuit, number: int) -> int:
    """Bytes of a projection in flash: weights, taps, biases, code."""
    w = wiring(p, circuit.shapes[p.source], circuit.shapes[p.target])
    taps = 0
    if w.kind == "conv" or w.moves:
        taps = sum(4 * sum(map(len, each)) + 2 * (len(each) + 1) for each in (w.rows, w.columns))
    biases = [layer.bias for layer in p.layers if getattr(layer, "bias", None) is not None]
    wide = any(isinstance(layer, nn.Linear) for layer in p.layers) or number == 4
    values = math.prod(circuit.shapes[p.target]) if wide else max((len(b) for b in biases), default=0)
    return PROJECTION + number * w.count * (w.count > 1) + taps + 4 * values * bool(biases)


def like(neuron: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """An input of one step where the neuron's parameters are."""
    device = next((t.device for t in (*neuron.parameters(), *neuron.buffers())), "cpu")
    return torch.zeros(1, *shape, device=device)
