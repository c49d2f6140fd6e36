"""Numba source of a neuron's scan over time: one pass forward, one pass back, the state in cache."""

from __future__ import annotations

import math
from collections.abc import Iterable

from snnctl.kernels.cpu_functions import FUNCTIONS, NEEDS
from snnctl.kernels.cpu_loop import TOGETHER, Access, Carried, Loop, Stream
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
from snnctl.kernels.pointers import ALL, call_at, float32_at
from snnctl.kernels.pointers import get_float32, get_uint8, get_uint16, put_float32, put_uint8, put_uint16

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
    return head(plan, cache) + _forward(plan).source() + (_backward(plan).source() if plan.training else "")


def head(plan: Plan, cache: bool) -> str:
    """The beginning of a plan's module: imports, constants and the functions that its lines call."""
    functions = {line.op for line in plan.program.lines if line.op in FUNCTIONS}
    functions |= {need for name in functions for need in NEEDS.get(name, ())}
    if plan.storage != "float32":
        functions |= {f"to_{plan.storage}", f"from_{plan.storage}"}
    text = HEAD.format(neuron=plan.program.neuron, cache=cache)
    return text + "".join(text for name, text in FUNCTIONS.items() if name in functions)


def statements(program: Program, lines: Iterable[Line]) -> list[str]:
    """The lines as Python statements."""
    made = (program.written(line, map(ref, line.args), EXPRESSIONS, "Numba") for line in lines)
    return [f"{line.name} = {value}" for line, value in zip(lines, made, strict=True)]


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


def views(names: Iterable[str]) -> list[str]:
    """Statements that make arrays of the addresses of what has no time axis."""
    arrays = [name for name in names if name.startswith(("S_", "S0_", "G_", "G0_", "P_", "C_"))]
    return [f"{name} = carray(float32_at({name}), (ALL,))" for name in arrays]


def is_address(name: str) -> bool:
    """Whether an argument is the address of a tensor, not a number."""
    return name in ADDRESSES or name.startswith(("K_", "S_", "S0_", "G_", "G0_", "P_", "C_"))


def _forward(plan: Plan) -> Loop:
    p, pool, names = plan.program, plan.pool, arguments(plan, False)
    out = "X" if plan.out_over_x else "OUT"
    body = statements(p, p.forward_lines(plan.saved))

    def step(at: Access) -> list[str]:
        kept = [at.put(plan.place(name), store(plan, name)) for name in plan.kept]
        return [f"x = {at.get('X')}", *body, *kept, at.put(out, ref(p.out))]

    streams, first, prepare = {"X": _float("X", "t * xt + r * xr + lo * xm")}, views(names), []
    if plan.feedback:
        streams["X"] = Stream("float32", "current")
        first = [*_product_arrays("X", "OUT"), *first]
        prepare = ["a = beside + 4 * (o - at) if t > 0 else FIRST + 4 * lo"]
        prepare += [PRODUCT.format(ones="t > 0" if p.binary else 0, at="t * xt + lo * xm", row="N * xm")]
    if pool:
        streams["OUT"] = Stream("float32", f"pooled[t % {TOGETHER}]")
        first.append(f"pooled = np.empty(({TOGETHER}, block), np.float32)")
        prepare += _windows("OUT", pool)
    elif not plan.out_over_x:
        streams["OUT"] = _float("OUT", "o")
    return Loop(
        "forward", names, False, first, streams | _kept(plan),
        {f"s_{s}": Carried(f"v_{s}", f"S0_{s}[q + i]", f"S_{s}", ref(after))
         for s, after in zip(p.states, p.after, strict=True)},
        _vectors(plan), prepare, step, _sum_windows(pool) if pool else "", not plan.feedback,
    )  # fmt: skip


def _backward(plan: Plan) -> Loop:
    p, pool, names = plan.program, plan.pool, arguments(plan, True)
    needed, over = p.backward_lines(plan.saved, plan.wanted), plan.gradient_over
    reads_x = not plan.feedback and "x" in {a for line in needed for a in line.args} | set(plan.saved)
    body = statements(p, needed)

    def step(at: Access) -> list[str]:
        loads = [f"x = {at.get('X')}"] if reads_x else []
        loads += [f"{name} = {load(plan, name, at.get(plan.place(name)))}" for name in plan.kept]
        return [f"d_out = {at.get('D_out')}", *loads, *body, at.put(plan.place(over) if over else "D_x", ref(p.d_x))]

    streams, first, prepare = {"D_out": _float("D_out", "t * gt + r * gr + lo * gm")}, views(names), []
    if pool:
        streams["D_out"] = Stream("float32", f"spread[t % {TOGETHER}]")
        first.append(f"spread = np.empty(({TOGETHER}, block), np.float32)")
        prepare = [*_windows("D_out", pool), *_spread_windows(pool)]
    elif plan.feedback:
        streams["D_out"] = Stream("float32", "current")
        first = [*_product_arrays("D_out", plan.place(over) if over else "D_x"), *first]
        prepare = ["a = beside + 4 * (o + at) if t < T - 1 else FIRST + 4 * lo"]
        prepare += [PRODUCT.format(ones=0, at="t * gt + lo * gm", row="N * gm")]
    streams |= {"X": _float("X", "t * xt + r * xr + lo * xm")} if reads_x or plan.over_x else {}
    streams |= {} if over else {"D_x": _float("D_x", "o")}
    carried = {f"d_s_{s}": Carried(f"g_{s}", f"G_{s}[q + i]", f"G0_{s}", ref(d))
               for s, d in zip(p.states, p.d_states, strict=True)}  # fmt: skip
    carried |= {f"sum_{c}": Carried(f"p_{c}", "ZERO", f"P_{c}", f"sum_{c} + {ref(d)}") for c, d in plan.gradients}
    return Loop(
        "backward", names, True, first, streams | _kept(plan), carried, _vectors(plan), prepare, step,
        together=not plan.feedback,
    )  # fmt: skip


def _float(array: str, offset: str) -> Stream:
    return Stream("float32", f"{array} + 4 * ({offset})")


def _kept(plan: Plan) -> dict[str, Stream]:
    bytes_of = {"float32": 4, "uint16": 2, "uint8": 1}
    kinds = {f"K_{name}": _kind(plan, name) for name in plan.own}
    return {array: Stream(kind, f"{array} + {bytes_of[kind]} * o") for array, kind in kinds.items()}


def _kind(plan: Plan, name: str) -> str:
    return {"truth": "uint8", "float32": "float32"}.get(plan.storage_of(name), "uint16")


def _vectors(plan: Plan) -> dict[str, str]:
    """Coefficients with many values: inner neurons in a row share a value, and the values repeat."""
    names = [c for c in plan.program.coefs if c in plan.vectors]
    return {f"c_{c}": f"C_{c}[((q + i) // inner_{c}) % size_{c}]" for c in names}


def store(plan: Plan, name: str) -> str:
    """A saved value as it is stored."""
    kind = plan.storage_of(name)
    if kind == "truth":
        return f"np.uint8({name})"
    return name if kind == "float32" else f"to_{kind}({name})"


def load(plan: Plan, name: str, stored: str) -> str:
    """A saved value from how it is stored."""
    kind = plan.storage_of(name)
    if kind == "truth":
        return f"{stored} != 0"
    return stored if kind == "float32" else f"from_{kind}({stored})"


# One block is some samples: the product of the values from `a` on, of the step beside, is added to what is given.
PRODUCT = (
    "call_at(MULTIPLY, (a, N, 1, {ones}, w // N, N, W, 1, N, given + 4 * ({at}), {row}, "
    "np.int64(current.ctypes.data), N, np.int64(index.ctypes.data)))"
)


def _product_arrays(given: str, beside: str) -> list[str]:
    kinds = {"current": "float32", "index": "int32"}
    return [f"given, beside = {given}, {beside}", *(f"{a} = np.empty(block, np.{kind})" for a, kind in kinds.items())]


# One block is whole rows of windows, k rows of pixels each; rows of pixels that no window covers may follow the last.
SUM_WINDOWS = """
for line in range(w // row):
    for p in range(across):
        for c in range(channels):
            put_float32(W_{{k}}, (line * across + p) * channels + c, ({total}) / divisor, 1, 2)
"""
SPREAD_WINDOWS = """
if t >= T - {steps}:
    D_out_{{k}}[:] = ZERO
for line in range(w // row):
    for p in range(across):
        for c in range(channels):
            share = get_float32(W_{{k}}, (line * across + p) * channels + c, 0, 2) / divisor
            {puts}
"""


def _places(k: int) -> list[str]:
    """Where the pixels of a window lie in a block, row after row."""
    return [f"line * row + ({j} * width + p * {k} + {i}) * channels + c" for j in range(k) for i in range(k)]


def _sum_windows(k: int) -> str:
    return SUM_WINDOWS.format(total=" + ".join(f"get_float32(OUT_{{k}}, {place}, 0, 2)" for place in _places(k)))


def _spread_windows(k: int) -> list[str]:
    puts = "\n            ".join(f"put_float32(D_out_{{k}}, {place}, share, 1, 2)" for place in _places(k))
    return SPREAD_WINDOWS.format(puts=puts, steps=TOGETHER).strip("\n").split("\n")


def _windows(array: str, k: int) -> list[str]:
    return [
        f"row, across = {k} * width * channels, width // {k}",
        f"W_{{k}} = {array} + 4 * (t * pt + r * pr + (job - r * blocks) * (block // row) * across * channels)",
    ]
