"""Numba source of a neuron's scan over time: one pass forward, one pass back, the state in cache."""

from __future__ import annotations

import math
from collections.abc import Iterable
from textwrap import indent

from snnctl.kernels.cpu_functions import FUNCTIONS, NEEDS
from snnctl.kernels.plan import Plan
from snnctl.kernels.program import Line, Program, Ref

# Python expression of each op; {0}, {1}, {2} are its arguments. Minima and maxima come as `where`.
EXPRESSIONS = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
    "abs": "abs({0})", "floor": "np.floor({0})", "sqrt": "math.sqrt({0})", "exp": "exp({0})", "log": "math.log({0})",
    "log1p": "math.log1p({0})", "sigmoid": "sigmoid({0})", "tanh": "tanh({0})", "sin": "math.sin({0})",
    "cos": "math.cos({0})", "atan": "math.atan({0})", "where": "{1} if {0} else {2}", "number": "ONE if {0} else ZERO",
    "ge": "{0} >= {1}", "gt": "{0} > {1}", "le": "{0} <= {1}", "lt": "{0} < {1}", "eq": "{0} == {1}",
    "ne": "{0} != {1}", "and": "{0} and {1}", "or": "{0} or {1}", "not": "not {0}",
}  # fmt: skip


ADDRESSES = {"X", "OUT", "D_out", "D_x", "W", "FIRST"}

HEAD = '''"""Printed by snnctl: the scan of {neuron}. Not for editing: it is checked and rewritten."""
import math
import numpy as np
from numba import carray, njit
from snnctl.kernels.pointers import ALL, call_at, float32_at, uint8_at, uint16_at

FLAGS = dict(error_model="numpy", nogil=True, cache={cache})
ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
'''


def source(plan: Plan, cache: bool = True) -> str:
    """The module of a plan, with `forward` and, in training, `backward`.

    Both take jobs j0 to j1 of R ceil(M / block): row r and a block of its M neurons. Arrays come as addresses; what
    neuron m of row r has at step t lies at `t * at + r * ar + m * am` of `a` (am is 0 where all neurons share one).

    Args:
        plan: what the kernel does.
        cache: let Numba keep the machine code beside the file.
    """
    return head(plan, cache) + _forward(plan) + (_backward(plan) if plan.training else "")


def head(plan: Plan, cache: bool) -> str:
    """The beginning of a plan's module: imports, constants and the functions that its lines call."""
    functions = {line.op for line in plan.program.lines if line.op in FUNCTIONS}
    functions |= {need for name in functions for need in NEEDS.get(name, ())}
    if plan.storage != "float32":
        functions |= {f"to_{plan.storage}", f"from_{plan.storage}"}
    text = HEAD.format(neuron=plan.program.neuron, cache=cache)
    return text + "".join(text for name, text in FUNCTIONS.items() if name in functions)


def statements(program: Program, lines: Iterable[Line]) -> str:
    """The lines as Python statements."""
    made = (program.written(line, map(ref, line.args), EXPRESSIONS, "Numba") for line in lines)
    return "".join(f"{line.name} = {value}\n" for line, value in zip(lines, made, strict=True))


def ref(value: Ref | None) -> str:
    """A value in an expression: a name, or a constant in float32."""
    if value is None:
        return "ZERO"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "np.float32(np.nan)" if math.isnan(value) else f"np.float32({'-' if value < 0 else ''}np.inf)"
    return f"np.float32({value!r})"


def arguments(plan: Plan, backward: bool) -> list[str]:
    """Names of a function's arguments, in order."""
    p = plan.program
    names = ["j0", "j1", "T", "R", "M", "block", "at", "ar", "xt", "xr", "xm"]
    vectors = [c for c in p.coefs if c in plan.vectors]
    own = [f"K_{name}" for name in plan.own]
    names += ["pt", "pr", "width", "channels", "divisor"] if plan.pool else []
    names += ["N", "W", "FIRST", "MULTIPLY"] if plan.feedback else []
    if backward:
        names += [
            *([] if plan.pool else ["gt", "gr", "gm"]),
            "D_out",
            "X",
            *([] if plan.gradient_over else ["D_x"]),
            *own,
        ]
        names += [f"G0_{s}" for s in p.states] + [f"G_{s}" for s in p.states]
        names += [f"P_{c}" for c, _ in plan.gradients]
    else:
        names += ["X", "OUT", *own, *(f"S0_{s}" for s in p.states), *(f"S_{s}" for s in p.states)]
    return [*names, *(f"c_{c}" for c in p.coefs if c not in plan.vectors), *(f"C_{c}" for c in vectors),
            *(f"inner_{c}" for c in vectors), *(f"size_{c}" for c in vectors)]  # fmt: skip


def views(plan: Plan, names: Iterable[str]) -> list[str]:
    """Statements that make arrays of the addresses among a function's arguments."""
    saved = {f"K_{name}": {"truth": "uint8", "float32": "float32"}.get(plan.storage_of(name), "uint16")
             for name in plan.saved}  # fmt: skip
    arrays = [name for name in names if is_address(name) and name not in ("W", "FIRST")]
    return [f"{name} = carray({saved.get(name, 'float32')}_at({name}), (ALL,))" for name in arrays]


def is_address(name: str) -> bool:
    """Whether an argument is the address of a tensor, not a number."""
    return name in ADDRESSES or name.startswith(("K_", "S_", "S0_", "G_", "G0_", "P_", "C_"))


def _forward(plan: Plan) -> str:
    p = plan.program
    loads = ["x = X_[i]"] + [f"s_{s} = v_{s}[i]" for s in p.states] + vector_loads(plan)
    body = statements(p, p.forward_lines(plan.saved))
    stores = [f"{_place(plan, name)} = {store(plan, name)}" for name in plan.kept]
    stores += [f"OUT_[i] = {ref(p.out)}"] if not plan.out_over_x else [f"X_[i] = {ref(p.out)}"]
    # All of the next state is computed before any of it is stored: no store may come before a load it depends on.
    stores += [f"v_{s}[i] = {ref(after)}" for s, after in zip(p.states, p.after, strict=True)]
    slices = [_slice("X", "t * xt + r * xr + lo * xm")]
    if plan.feedback:
        slices = ["X_ = current", "a = beside + 4 * (o - at) if t > 0 else FIRST + 4 * lo"]
        slices += [PRODUCT.format(ones="t > 0" if p.binary else 0, at="t * xt + lo * xm", row="N * xm")]
    arrays = [*(f"v_{s}" for s in p.states), *(["pooled"] if plan.pool else [])]
    if plan.pool:
        slices += ["OUT_ = pooled", _windows("OUT", plan.pool)]
    elif not plan.out_over_x:
        slices.append(_slice("OUT", "o"))
    slices += [_slice(f"K_{name}", "o") for name in plan.own]
    return _function(
        plan,
        "forward",
        arguments(plan, False),
        before=[f"{a} = np.empty(block, np.float32)" for a in arrays] + vector_arrays(plan),
        first=_product_arrays("X", "OUT") if plan.feedback else [],
        begin=[f"v_{s}[i] = S0_{s}[q + i]" for s in p.states] + vector_fills(plan),
        slices=slices,
        loop="range(T)",
        body="\n".join(loads) + "\n" + body + "\n".join(stores),
        last=SUM_WINDOWS.format(k=plan.pool) if plan.pool else "",
        end=[f"S_{s}[q + i] = v_{s}[i]" for s in p.states],
    )


def _backward(plan: Plan) -> str:
    p, gradients = plan.program, plan.gradients
    needed = p.backward_lines(plan.saved, plan.wanted)
    uses = {a for line in needed for a in line.args} | set(plan.saved)
    loads = ["d_out = D_out_[i]"] + [f"d_s_{s} = g_{s}[i]" for s in p.states] + vector_loads(plan)
    loads += ["x = X_[i]"] if "x" in uses and not plan.feedback else []
    loads += [f"{name} = {load(plan, name)}" for name in plan.kept]
    over = plan.gradient_over
    stores = [f"{'D_x_[i]' if over is None else _place(plan, over)} = {ref(p.d_x)}"]
    stores += [f"g_{s}[i] = {ref(d)}" for s, d in zip(p.states, p.d_states, strict=True)]
    stores += [f"p_{c}[i] += {ref(d)}" for c, d in gradients]
    if plan.pool:
        slices = ["D_out_ = spread", _windows("D_out", plan.pool)]
        slices += SPREAD_WINDOWS.format(k=plan.pool).strip("\n").split("\n")
    elif plan.feedback:
        slices = ["D_out_ = current", "a = beside + 4 * (o + at) if t < T - 1 else FIRST + 4 * lo"]
        slices += [PRODUCT.format(ones=0, at="t * gt + lo * gm", row="N * gm")]
    else:
        slices = [_slice("D_out", "t * gt + r * gr + lo * gm")]
    needs_x = ("x" in uses and not plan.feedback) or plan.over_x
    slices += [_slice("X", "t * xt + r * xr + lo * xm")] if needs_x else []
    slices += [] if over else [_slice("D_x", "o")]
    slices += [_slice(f"K_{name}", "o") for name in plan.own]
    arrays = [*(f"g_{s}" for s in p.states), *(f"p_{c}" for c, _ in gradients), *(["spread"] if plan.pool else [])]
    return _function(
        plan,
        "backward",
        arguments(plan, True),
        before=[f"{a} = np.empty(block, np.float32)" for a in arrays] + vector_arrays(plan),
        first=_product_arrays("D_out", "D_x" if over is None else plan.place(over)) if plan.feedback else [],
        begin=[f"g_{s}[i] = G_{s}[q + i]" for s in p.states] + [f"p_{c}[i] = ZERO" for c, _ in gradients]
        + vector_fills(plan),
        slices=slices,
        loop="range(T - 1, -1, -1)",
        body="\n".join(loads) + "\n" + statements(p, needed) + "\n".join(stores),
        end=[f"G0_{s}[q + i] = g_{s}[i]" for s in p.states] + [f"P_{c}[q + i] = p_{c}[i]" for c, _ in gradients],
    )  # fmt: skip


def _function(
    plan: Plan, name: str, names: list[str], *, first, before, begin, slices, loop: str, body: str, end, last=""
) -> str:
    def block(statements: list[str], depth: int) -> str:
        return indent("\n".join(statements) + "\n", "    " * depth) if statements else ""

    def each(statements: list[str], depth: int) -> str:
        return block(["for i in range(w):", *(f"    {s}" for s in statements)], depth) if statements else ""

    return (
        f"\n@njit(**FLAGS)\ndef {name}({', '.join(names)}):\n"
        + block(
            [*first, *views(plan, names), *before, "blocks = (M + block - 1) // block", "for job in range(j0, j1):"], 1
        )
        + block(["r = job // blocks", "lo = (job - r * blocks) * block", "w = min(block, M - lo)", "q = r * M + lo"], 2)
        + each(begin, 2)
        + block([f"for t in {loop}:", "    o = t * at + r * ar + lo", *(f"    {s}" for s in slices)], 2)
        + block(["for i in range(w):"], 3)
        + indent(body + "\n", "    " * 4)
        + indent(last, "    " * 3)
        + each(end, 2)
    )


# One block is some samples: the product of the values from `a` on, of the step beside, is added to what is given.
PRODUCT = (
    "call_at(MULTIPLY, (a, N, 1, {ones}, w // N, N, W, 1, N, given + 4 * ({at}), {row}, "
    "np.int64(current.ctypes.data), N, np.int64(index.ctypes.data)))"
)


def _product_arrays(given: str, beside: str) -> list[str]:
    kinds = {"current": "float32", "index": "int32"}
    return [f"given, beside = {given}, {beside}", *(f"{a} = np.empty(block, np.{kind})" for a, kind in kinds.items())]


# One block is k rows of pixels: whole windows, but for a last block of fewer rows, which no window covers.
SUM_WINDOWS = """
if w == block:
    for p in range(width // {k}):
        for c in range(channels):
            total = ZERO
            for j in range({k}):
                for i in range({k}):
                    total += pooled[(j * width + p * {k} + i) * channels + c]
            W_[p * channels + c] = total / divisor
"""
SPREAD_WINDOWS = """
spread[:] = ZERO
if w == block:
    for p in range(width // {k}):
        for j in range({k}):
            for i in range({k}):
                a = (j * width + p * {k} + i) * channels
                for c in range(channels):
                    spread[a + c] = W_[p * channels + c] / divisor
"""


def _windows(array: str, k: int) -> str:
    return f"W_ = {array}[t * pt + r * pr + (job - r * blocks) * (width // {k}) * channels :]"


def _slice(array: str, offset: str) -> str:
    return f"{array}_ = {array}[{offset} : {offset} + w]"


def vector_arrays(plan: Plan) -> list[str]:
    """The block-local arrays of coefficients with many values."""
    return [f"k_{c} = np.empty(block, np.float32)" for c in plan.program.coefs if c in plan.vectors]


def vector_fills(plan: Plan) -> list[str]:
    """Their values for one block: inner neurons in a row share a value, and the values repeat."""
    return [f"k_{c}[i] = C_{c}[((q + i) // inner_{c}) % size_{c}]" for c in plan.program.coefs if c in plan.vectors]


def vector_loads(plan: Plan) -> list[str]:
    """Their values for neuron i."""
    return [f"c_{c} = k_{c}[i]" for c in plan.program.coefs if c in plan.vectors]


def _place(plan: Plan, name: str) -> str:
    return f"{plan.place(name)}_[i]"


def store(plan: Plan, name: str) -> str:
    """A saved value as it is stored."""
    kind = plan.storage_of(name)
    if kind == "truth":
        return f"np.uint8({name})"
    return name if kind == "float32" else f"to_{kind}({name})"


def load(plan: Plan, name: str) -> str:
    """A saved value as it is read back."""
    kind = plan.storage_of(name)
    if kind == "truth":
        return f"{_place(plan, name)} != 0"
    return _place(plan, name) if kind == "float32" else f"from_{kind}({_place(plan, name)})"
