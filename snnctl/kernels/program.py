"""A neuron's step and its gradient as straight-line code: what the tracer writes and the printers read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import NamedTuple

from snnctl.errors import UserError

Ref = str | float  # a value by its name, or a constant


class Untraceable(UserError):
    """A step that no kernel can be made of; it runs eagerly."""


class Line(NamedTuple):
    """name = op(*args), elementwise; an op of `snnctl.kernels.ops`.

    Args:
        name: of the value.
        op: what is computed.
        args: values by name, or constants.
        truth: whether the value is true or false, not a number.
    """

    name: str
    op: str
    args: tuple[Ref, ...]
    truth: bool = False


@dataclass(frozen=True, eq=False)
class Program:
    """One time step of a neuron, forward and backward, in one list of lines in order.

    Names of inputs: `x`; the states before the step, `s_<field>`; the coefficients `c_<field>`; and for the backward
    part the gradients of the output, `d_out`, and of the states after the step, `d_s_<field>`.

    Args:
        neuron: its name, for messages and in the printed code.
        states: names of the state fields.
        coefs: names of the coefficients.
        lines: all of it; a printer takes what its results need.
        out: the output.
        after: the states after the step.
        d_x: gradient of x; None if none flows.
        d_states: of the states before the step.
        d_coefs: of the coefficients, of this step alone.
        flows: whether the output, and each state after the step, has a gradient.
    """

    neuron: str
    states: tuple[str, ...]
    coefs: tuple[str, ...]
    lines: tuple[Line, ...]
    out: Ref
    after: tuple[Ref, ...]
    d_x: Ref | None
    d_states: tuple[Ref | None, ...]
    d_coefs: tuple[Ref | None, ...]
    flows: tuple[bool, ...] = ()

    def content(self) -> str:
        """All of it as text, by which two programs are the same; NaN equals NaN there."""
        return repr(astuple(self))

    @cached_property
    def before(self) -> tuple[str, ...]:
        """Names of the states before the step."""
        return tuple(f"s_{name}" for name in self.states)

    @cached_property
    def differentiable(self) -> bool:
        """Whether any gradient flows through the step."""
        return any(d is not None for d in (self.d_x, *self.d_states, *self.d_coefs))

    def forward_lines(self, saved: Iterable[str] = ()) -> list[Line]:
        """The lines of the output, the states after it and the values saved for the backward part."""
        return self.needed((self.out, *self.after, *saved))

    def backward_lines(self, saved: Iterable[str], coefs: Iterable[str]) -> list[Line]:
        """The lines of the gradients of x, the states and the coefficients named, from the saved values."""
        wanted = [self.d_x, *self.d_states, *(d for c, d in zip(self.coefs, self.d_coefs, strict=True) if c in coefs)]
        return self.needed(wanted, saved)

    def needed(self, wanted: Iterable[Ref | None], given: Iterable[str] = ()) -> list[Line]:
        """The lines that the wanted values follow from, in order, where the given ones are there already."""
        given, open_ = set(given), {w for w in wanted if isinstance(w, str)}
        kept = []
        for line in reversed(self.lines):
            if line.name in open_ and line.name not in given:
                kept.append(line)
                open_.update(a for a in line.args if isinstance(a, str))
        return kept[::-1]

    @cached_property
    def binary(self) -> bool:
        """Whether the output is 0 or 1."""
        return any(line.name == self.out and line.op == "number" for line in self.lines)

    @cached_property
    def truths(self) -> frozenset[str]:
        """Names of the values that are true or false."""
        return frozenset(line.name for line in self.lines if line.truth)

    def written(self, line: Line, args: Iterable[str], expressions: Mapping[str, str], target: str) -> str:
        """The right side of a line in another language.

        Args:
            line: of this program. args: its arguments there.
            expressions: op -> text in which {0}, {1}, {2} are the arguments. target: name of the language.

        Raises:
            Untraceable: there is no expression for the op; names the neuron and the op.
        """
        if line.op not in expressions:
            problem = f"{self.neuron}.step uses {line.op}, which has no expression in {target}"
            raise Untraceable(problem, "write the step with operations that the target has, or run it eagerly")
        return expressions[line.op].format(*args)
