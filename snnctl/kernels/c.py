"""C source of a neuron's step: the forward lines of its program as one function, for what runs without Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from snnctl import __version__
from snnctl.errors import UserError
from snnctl.kernels.program import Line, Program, Ref

# For gcc and clang. -ffp-contract=off is no option: a fused multiply-add rounds once where the network was trained with
# two roundings, and a neuron near threshold then fires differently. Targets add their own -mcpu and the like.
CFLAGS = ("-std=c99", "-O2", "-ffp-contract=off")

# {0}, {1}, {2} are the arguments.
FLOAT_EXPRESSIONS = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}", "abs": "fabsf({0})",
    "floor": "floorf({0})", "sqrt": "sqrtf({0})", "exp": "expf({0})", "log": "logf({0})", "log1p": "log1pf({0})",
    "sigmoid": "1.0f / (1.0f + expf(-{0}))", "tanh": "tanhf({0})", "sin": "sinf({0})", "cos": "cosf({0})",
    "atan": "atanf({0})", "where": "{0} ? {1} : {2}", "number": "{0} ? 1.0f : 0.0f", "ge": "{0} >= {1}",
    "gt": "{0} > {1}", "le": "{0} <= {1}", "lt": "{0} < {1}", "eq": "{0} == {1}", "ne": "{0} != {1}",
    "and": "{0} && {1}", "or": "{0} || {1}", "not": "!{0}",
}  # fmt: skip

FLOAT_HEAD = """\
#include <float.h>
#include <math.h>

#if defined(__FAST_MATH__)
#error "-ffast-math changes the spikes: compile with -ffp-contract=off and without -ffast-math"
#endif
#if FLT_EVAL_METHOD == 1 || FLT_EVAL_METHOD == 2
#error "float is computed in double here, which changes the spikes: with gcc on x86 add -msse2 -mfpmath=sse"
#endif
"""


def float_constant(value: float) -> str:
    """A constant as C float: the shortest text that is read back as the same number."""
    number = np.float32(value)
    if not np.isfinite(number):
        return "NAN" if np.isnan(number) else "INFINITY" if number > 0 else "(-INFINITY)"
    return f"{number!s}f" if number >= 0 else f"({number!s}f)"


@dataclass(frozen=True)
class Dialect:
    """How a number is written and computed in C.

    Args:
        type: C type of inputs, outputs, states and coefficients.
        expressions: op -> expression of that type (int for a condition); {0}, {1}, {2} are names, or constants in
            brackets where negative.
        constant: a number as text.
        head: what stands before the function.
    """

    type: str
    expressions: Mapping[str, str]
    constant: Callable[[float], str]
    head: str = ""


FLOAT = Dialect("float", FLOAT_EXPRESSIONS, float_constant, FLOAT_HEAD)


def step_source(program: Program, *, name: str, integer: Dialect | None = None) -> str:
    """The C99 file of `void <name>_step(...)`, one time step of n neurons, bit-equal to the neuron's own step.

    Its arguments in order: n; the inputs X and outputs OUT, which may be the same memory; for each state S_<field>,
    updated in place; for each coefficient C_<field> and its period P_<field>. Neuron i takes C[i % P]: a period of 1 is
    one value for the layer, n is one a neuron. Where channels hold several neurons each, call it once a channel.

    Args:
        program: of the neuron.
        name: prefix of the function.
        integer: types and expressions of a target that computes in integers; None computes in float.

    Raises:
        UserError: the name is no C name.
        Untraceable: an op that the dialect has no expression for; names the neuron and the op.
    """
    if not (name.isascii() and name.isidentifier()):
        raise UserError(f"{name!r} is no name of a C function", "letters, digits and _ only, no digit first")
    dialect = integer or FLOAT
    truths, number = program.truths, dialect.type

    def ref(value: Ref) -> str:
        return value if isinstance(value, str) else dialect.constant(value)

    def statement(line: Line) -> str:
        expression = program.written(line, map(ref, line.args), dialect.expressions, f"C ({number})")
        return f"const {'int' if line.name in truths else number} {line.name} = {expression};"

    arguments = ["long n", f"const {number} *X", f"{number} *OUT", *(f"{number} *S_{s}" for s in program.states)]
    arguments += [f"const {number} *C_{c}, long P_{c}" for c in program.coefs]
    lines = program.forward_lines()
    used = {a for line in lines for a in line.args} | {program.out, *program.after}
    coefs = [c for c in program.coefs if f"c_{c}" in used]
    body = [f"const {number} x = X[i];"] if "x" in used else []
    body += [f"const {number} s_{s} = S_{s}[i];" for s in program.states if f"s_{s}" in used]
    body += [f"const {number} c_{c} = C_{c}[k_{c}];" for c in coefs]
    body += map(statement, lines)
    body += [f"OUT[i] = {ref(program.out)};"]
    body += [f"S_{s}[i] = {ref(after)};" for s, after in zip(program.states, program.after, strict=True)]
    # Counting is cheaper than a division on a small processor.
    body += [f"if (++k_{c} == P_{c}) k_{c} = 0;" for c in coefs]
    unused = ["(void)X;"] if "x" not in used else []
    unused += [f"(void)C_{c}; (void)P_{c};" for c in program.coefs if c not in coefs]
    return (
        f"/* One time step of {program.neuron}, printed by snnctl {__version__}.\n"
        f"   Compile with -ffp-contract=off: fused multiply-adds change the spikes. */\n"
        f"{dialect.head}\n"
        f"void {name}_step({', '.join(arguments)})\n{{\n"
        + "".join(f"    {s}\n" for s in [*unused, *(f"long k_{c} = 0;" for c in coefs)])
        + "    for (long i = 0; i < n; ++i) {\n"
        + "".join(f"        {s}\n" for s in body)
        + "    }\n}\n"
    )
