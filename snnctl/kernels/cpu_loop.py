"""The loops of a Numba kernel, as source: over blocks of neurons, over time, over the neurons of a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import NamedTuple

# Time steps in one pass over a block: its state comes from the cache and goes back once for all of them. Measured on
# CubaLIF, milliseconds forward + backward: 2.5 with one, 1.8 with two, 1.6 with four.
TOGETHER = 4


class Stream(NamedTuple):
    """An array with a value for each neuron and step.

    Args:
        kind: "float32", "uint16" or "uint8".
        base: expression of where the values of step t lie: an address, or an array of the block.
    """

    kind: str
    base: str


class Carried(NamedTuple):
    """What a step hands to the next one, in an array of the block.

    Args:
        array: its name. start: value of neuron i before the first step. end: array that takes it after the last one.
        after: its next value, in terms of the step.
    """

    array: str
    start: str
    end: str
    after: str


class Access(NamedTuple):
    """How one step's statements read and write the streams: `get(name)`, `put(name, value)` are source."""

    get: Callable[[str], str]
    put: Callable[[str, str], str]


@dataclass(frozen=True)
class Loop:
    """A function over jobs j0 to j1, each a row r and a block of its neurons.

    Args:
        name: of the function. arguments: their names.
        backward: whether time runs backwards.
        first: statements before all jobs.
        streams: by name. They share no memory with one another, nor with the arrays of the block.
        carried: by the name that a step has for it.
        vectors: by the name that a step has for it: the value of neuron i, an expression of q + i.
        prepare: statements before the neurons of a step. step: those of one neuron. last: source after the neurons.
            In `prepare` and `last`, X_{k} is the stream X of the step.
        together: whether several steps may be done in one pass: nothing but `carried` goes from one to the next.
    """

    name: str
    arguments: Sequence[str]
    backward: bool
    first: Sequence[str]
    streams: Mapping[str, Stream]
    carried: Mapping[str, Carried]
    vectors: Mapping[str, str]
    prepare: Sequence[str]
    step: Callable[[Access], Sequence[str]]
    last: str = ""
    together: bool = True

    def source(self) -> str:
        """The function."""
        own = [f"{c.array} = np.empty(block, np.float32)" for c in self.carried.values()]
        own += [f"k_{name} = np.empty(block, np.float32)" for name in self.vectors]
        begin = [f"{c.array}[i] = {c.start}" for c in self.carried.values()]
        begin += [f"k_{name}[i] = {value}" for name, value in self.vectors.items()]
        end = [f"{c.end}[q + i] = {c.array}[i]" for c in self.carried.values()]
        return (
            f"\n@njit(**FLAGS)\ndef {self.name}({', '.join(self.arguments)}):\n"
            + _block([*self.first, *own, "blocks = (M + block - 1) // block", "for job in range(j0, j1):"], 1)
            + _block(["r = job // blocks", "lo = (job - r * blocks) * block"], 2)
            + _block(["w = min(block, M - lo)", "q = r * M + lo"], 2)
            + _each(begin, 2)
            + "".join(indent(self._over_time(over, steps), " " * 8) for over, steps in self._passes())
            + _each(end, 2)
        )

    def _passes(self) -> list[tuple[str, int]]:
        """Ranges over time, and the steps done at each of their values."""
        n = TOGETHER if self.together else 1
        if n == 1:
            return [("range(T - 1, -1, -1)" if self.backward else "range(T)", 1)]
        if self.backward:
            return [(f"range(T - 1, T % {n} - 1, -{n})", n), (f"range(T % {n} - 1, -1, -1)", 1)]
        return [(f"range(0, T - T % {n}, {n})", n), (f"range(T - T % {n}, T)", 1)]

    def _over_time(self, over: str, steps: int) -> str:
        arrays = [f"{name}_{k}" for k in range(steps) for name in self.streams]
        arrays += [c.array for c in self.carried.values()] + [f"k_{name}" for name in self.vectors]
        number = {name: f"{i}, {len(arrays)}" for i, name in enumerate(arrays)}

        def access(k: int) -> Access:
            return Access(
                lambda name: f"get_{self.streams[name].kind}({name}_{k}, i, {number[f'{name}_{k}']})",
                lambda name, v: f"put_{self.streams[name].kind}({name}_{k}, i, {v}, {number[f'{name}_{k}']})",
            )

        body = [f"{name} = get_float32({c.array}, i, {number[c.array]})" for name, c in self.carried.items()]
        body += [f"{name} = get_float32(k_{name}, i, {number[f'k_{name}']})" for name in self.vectors]
        text = f"for begin in {over}:\n"
        for k in range(steps):
            text += _block([f"t = begin {'-' if self.backward else '+'} {k}", "o = t * at + r * ar + lo"], 1)
            text += _block([f"{name}_{k} = {s.base}" for name, s in self.streams.items()], 1)
            text += _block([line.replace("{k}", str(k)) for line in self.prepare], 1)
            body += self.step(access(k))
            if self.carried:  # all of the next is computed before any of it is there: one may be made of another
                body.append(f"{', '.join(self.carried)} = {', '.join(c.after for c in self.carried.values())}")
        body += [f"put_float32({c.array}, i, {name}, {number[c.array]})" for name, c in self.carried.items()]
        last = "".join(self.last.replace("{k}", str(k)) for k in range(steps))
        return text + _each(body, 1) + indent(last, " " * 4)


def _block(statements: Sequence[str], depth: int) -> str:
    return indent("\n".join(statements) + "\n", "    " * depth) if statements else ""


def _each(statements: Sequence[str], depth: int) -> str:
    return _block(["for i in range(w):", *(f"    {s}" for s in statements)], depth) if statements else ""
