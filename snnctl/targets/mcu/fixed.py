"""Fixed-point arithmetic: each operation once as C and once in torch, and the largest number that it can lead to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.kernels.program import Line, Program, Ref, Untraceable

# potential: whole multiples of the layer's unit; factor: of 2^-shift; flag: 0 or 1; truth: a condition.
Kind = Literal["potential", "factor", "flag", "truth"]
FACTOR_BITS = 30  # of a factor of 1; the product with a potential of 32 bits fits 64

# Right shifts of negative numbers are arithmetic in gcc and clang, as in torch; C99 leaves them open.
HEAD = """\
static inline int32_t scaled(int32_t a, int32_t factor, int shift)
{
    return (int32_t)(((int64_t)a * factor + ((int64_t)1 << (shift - 1))) >> shift);
}

static inline int32_t clamped(int32_t a, int32_t limit)
{
    return a > limit ? limit : a < -limit ? -limit : a;
}
"""


def scaled(a: Tensor, factor: Tensor | int, shift: int) -> Tensor:
    """a factor 2^-shift, rounded to the nearest whole number, halves up."""
    return (a * factor + (1 << (shift - 1))) >> shift


class Form(NamedTuple):
    """An operation on whole numbers."""

    c: str  # {0}, {1}, {2} are the arguments
    torch: Callable[..., Any]
    largest: Callable[..., int]  # magnitude of the result, of those of the arguments


def _either(c, a, b) -> int:
    return max(a, b)


def _truth(*_) -> int:
    return 1


FORMS = {
    "add": Form("{0} + {1}", operator.add, operator.add),
    "sub": Form("{0} - {1}", operator.sub, operator.add),
    "neg": Form("-{0}", operator.neg, lambda a: a),
    "mul": Form("{0} * {1}", operator.mul, operator.mul),
    "scaled": Form("scaled({0}, {1}, {2})", scaled, lambda a, factor, shift: (a * factor >> shift) + 1),
    "where": Form("{0} ? {1} : {2}", torch.where, _either),
    "number": Form("{0} ? 1 : 0", lambda a: a.long(), _truth),
    "ge": Form("{0} >= {1}", operator.ge, _truth),
    "gt": Form("{0} > {1}", operator.gt, _truth),
    "le": Form("{0} <= {1}", operator.le, _truth),
    "lt": Form("{0} < {1}", operator.lt, _truth),
    "eq": Form("{0} == {1}", operator.eq, _truth),
    "ne": Form("{0} != {1}", operator.ne, _truth),
}
COMPARISONS = ("ge", "gt", "le", "lt", "eq", "ne")


class Op(NamedTuple):
    """name = form(*args) on whole numbers: values by name, or constants."""

    name: str
    form: str
    args: tuple[str | int, ...]
    kind: Kind


def whole(program: Program, kinds: Mapping[str, Kind], unit: float, shifts: Mapping[str, int]) -> tuple[Op, ...]:
    """A neuron's step on whole numbers.

    Args:
        program: of the neuron, forward.
        kinds: of its inputs, states and coefficients, by their names in the program.
        unit: a potential of 1, unit of v.
        shifts: of each factor: it counts multiples of 2^-shift.

    Raises:
        Untraceable: an operation of the step has no form here.
    """
    known: dict[str, Kind] = dict(kinds)

    def kind(value: Ref, beside: Ref) -> Kind:
        if isinstance(value, str):
            return known[value]
        return known[beside] if isinstance(beside, str) else "potential"

    def number(value: Ref, of: Kind) -> str | int:
        if isinstance(value, str):
            return value
        return round(value / unit) if of == "potential" else int(value)

    def op(line: Line) -> Op:
        form, args = line.op, line.args
        if form == "number" and known[args[0]] == "truth":
            return Op(line.name, form, args, "flag")
        first, last = kind(args[-2] if len(args) > 1 else args[0], args[-1]), kind(args[-1], args[-2 % len(args)])
        if form == "mul" and {first, last} == {"factor", "potential"}:
            potential, factor = args if first == "potential" else args[::-1]
            return Op(line.name, "scaled", (potential, factor, shifts[factor]), "potential")
        if form == "mul" and "flag" in (first, last) and "factor" not in (first, last):
            result: Kind = "flag" if first == last else "potential"
            return Op(line.name, form, tuple(number(a, k) for a, k in zip(args, (first, last), strict=True)), result)
        if form in ("add", "sub", "neg", "where", *COMPARISONS) and first == last and first in ("potential", "flag"):
            given = tuple(a if i < len(args) - 2 else number(a, first) for i, a in enumerate(args))
            return Op(line.name, form, given, "truth" if form in COMPARISONS else first)
        raise Untraceable(f"{program.neuron}.step: {form} of a {first} and a {last} has no form in whole numbers")

    found = []
    for line in program.forward_lines():
        found.append(op(line))
        known[line.name] = found[-1].kind
    return tuple(found)


def evaluate(ops: tuple[Op, ...], values: dict[str, Any]) -> dict[str, Any]:
    """The values of a step: `values` with those of every op added.

    Args:
        values: of inputs, states and coefficients by name, int64 tensors that broadcast, or whole numbers.
    """
    for op in ops:
        args = [values[a] if isinstance(a, str) else a for a in op.args]
        values[op.name] = FORMS[op.form].torch(*args)
    return values


def largest(ops: tuple[Op, ...], magnitudes: dict[str, int]) -> int:
    """The largest magnitude that any value of a step can have.

    Args:
        magnitudes: the largest of inputs, states and coefficients by name.
    """
    known = dict(magnitudes)
    for op in ops:
        args = [known[a] if isinstance(a, str) else abs(a) for a in op.args]
        known[op.name] = 1 if op.kind in ("flag", "truth") else FORMS[op.form].largest(*args)
    return max(known.values())
