"""Triton source of a neuron's scan over time: one pass forward, one pass back, the state in registers."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent

import numpy as np

from snnctl.kernels.plan import Plan
from snnctl.kernels.program import Line, Program, Ref

# Triton expression of each op; {0}, {1}, {2} are its arguments. Division and root round as torch's do on a CPU: plain
# `/` is an approximation on a GPU.
EXPRESSIONS = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "tl.div_rn({0}, {1})", "neg": "-{0}",
    "abs": "tl.abs({0})", "floor": "tl.floor({0})", "sqrt": "tl.sqrt_rn({0})", "exp": "tl.exp({0})",
    "log": "tl.log({0})", "log1p": "log1p({0})", "sigmoid": "sigmoid({0})", "tanh": "tanh({0})", "sin": "tl.sin({0})",
    "cos": "tl.cos({0})", "atan": "atan({0})", "where": "tl.where({0}, {1}, {2})", "number": "tl.where({0}, 1.0, 0.0)",
    "ge": "{0} >= {1}", "gt": "{0} > {1}", "le": "{0} <= {1}", "lt": "{0} < {1}", "eq": "{0} == {1}",
    "ne": "{0} != {1}", "and": "{0} & {1}", "or": "{0} | {1}", "not": "{0} == 0",
}  # fmt: skip
CONDITIONS = {"where": 1, "number": 1, "and": 2, "or": 2, "not": 1}  # how many arguments are true or false

# Triton itself has none of these that run everywhere. tanh and atan: polynomials of S. L. Moshier's Cephes.
FUNCTIONS = {
    "sigmoid": """
@triton.jit
def sigmoid(x):
    return tl.div_rn(1.0, 1.0 + tl.exp(-x))
""",
    "tanh": """
@triton.jit
def tanh(x):
    z = x * x
    p = ((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1
    small = (p * z - 3.33332819422e-1) * z * x + x
    large = 1.0 - tl.div_rn(2.0, tl.exp(2.0 * tl.abs(x)) + 1.0)
    return tl.where(z < 0.390625, small, tl.where(x > 0.0, large, -large))
""",
    "log1p": """
@triton.jit
def log1p(x):
    y = 1.0 + x
    rounded = y - 1.0
    exact = rounded == x
    lost = tl.div_rn(x, tl.where(exact | (y == 1.0), 1.0, rounded))
    return tl.where(y == 1.0, x, tl.where(exact, tl.log(y), tl.log(y) * lost))
""",
    "atan": """
@triton.jit
def atan(x):
    size = tl.abs(x)
    high, middle = size > 2.414213562373095, size > 0.4142135623730950
    turn = tl.where(high, 1.5707963267948966, tl.where(middle, 0.7853981633974483, 0.0))
    above = tl.where(high, -1.0, tl.where(middle, size - 1.0, size))
    y = tl.div_rn(above, tl.where(high, size, tl.where(middle, size + 1.0, 1.0)))
    z = y * y
    p = ((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1
    angle = turn + (p * z * y + y)
    return tl.where(x < 0.0, -angle, angle)
""",
}

HEAD = '''"""Printed by snnctl: the scan of {neuron}. Not for editing: it is checked and rewritten."""
import triton
import triton.language as tl
'''


def source(plan: Plan) -> str:
    """The module of a plan, with `forward` and, in training, `backward`.

    Both run R ceil(M / BLOCK) programs: row r and a block of its M neurons. The value of neuron m, row r, step t of an
    array `a` lies at `t * at + r * ar + m * am` (am is 0 where all neurons share one).

    Args:
        plan: what the kernel does. Coefficients that are no vectors are passed as numbers.

    Raises:
        Untraceable: an op that Triton has no expression for.
    """
    scans = [_forward(plan)] + ([_backward(plan)] if plan.training else [])
    functions = {line.op for line in plan.program.lines}
    helpers = [text for name, text in FUNCTIONS.items() if name in functions]
    return "\n".join([HEAD.format(neuron=plan.program.neuron), *helpers, *scans])


def arguments(plan: Plan, backward: bool) -> list[str]:
    """Names of a function's arguments, in order."""
    p = plan.program
    vectors = [c for c in p.coefs if c in plan.vectors]
    own = [f"K_{name}" for name in plan.own]
    names = ["T", "M", "at", "ar", "xt", "xr", "xm"]
    if backward:
        names += ["gt", "gr", "gm", "D_out", "X", *([] if plan.gradient_over else ["D_x"]), *own]
        names += [f"G0_{s}" for s in p.states] + [f"G_{s}" for s in p.states]
        names += [f"P_{c}" for c, _ in plan.gradients]
    else:
        names += ["X", *([] if plan.out_over_x else ["OUT"]), *own]
        names += [f"S0_{s}" for s in p.states] + [f"S_{s}" for s in p.states]
    return [*names, *(f"c_{c}" for c in p.coefs if c not in plan.vectors), *(f"C_{c}" for c in vectors),
            *(f"size_{c}" for c in vectors), *(f"inner_{c}" for c in vectors)]  # fmt: skip


class _Constants:
    """The constants of a function, each a block of float32 made once: names k0, k1 ..."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def ref(self, value: Ref | None) -> str:
        if isinstance(value, str):
            return value
        number = repr(float(np.float32(0.0 if value is None else value)))
        number = number if number[-1].isdigit() else f'float("{number}")'
        return self.names.setdefault(number, f"k{len(self.names)}")

    def made(self) -> list[str]:
        return [f"{name} = {_block(number)}" for number, name in self.names.items()]


def statements(program: Program, lines: Iterable[Line], constants: _Constants) -> list[str]:
    """The lines as Triton statements."""
    truths, written = program.truths, []
    for line in lines:
        args = [constants.ref(a) for a in line.args]
        for i in range(CONDITIONS.get(line.op, 0)):
            args[i] = args[i] if args[i] in truths else f"({args[i]} != 0)"
        written.append(f"{line.name} = {program.written(line, args, EXPRESSIONS, 'Triton')}")
    return written


def _forward(plan: Plan) -> str:
    p, constants = plan.program, _Constants()
    body = ["x = " + _read("X + xo + mx"), *statements(p, p.forward_lines(plan.saved), constants)]
    body += [_write(_place(plan, name), _stored(plan, name, constants)) for name in plan.kept]
    body += [_write("X + xo + mx" if plan.out_over_x else "OUT + o + m", constants.ref(p.out))]
    body += _assigned(p.before, [constants.ref(a) for a in p.after])
    return _function(
        "forward",
        arguments(plan, False),
        before=[f"s_{s} = {_read(f'S0_{s} + q')}" for s in p.states] + _coefficients(plan) + constants.made()
        + ["mx = m * xm", "xo = r * xr", "o = r * ar"],
        body=[*body, "xo += xt", "o += at"],
        after=[_write(f"S_{s} + q", f"s_{s}") for s in p.states],
    )  # fmt: skip


def _backward(plan: Plan) -> str:
    p, constants = plan.program, _Constants()
    needed = p.backward_lines(plan.saved, plan.wanted)
    body = ["d_out = " + _read("D_out + go + mg")]
    body += ["x = " + _read("X + xo + mx")] if "x" in plan.saved else []
    body += [f"{name} = {_loaded(plan, name)}" for name in plan.kept]
    body += statements(p, needed, constants)
    place = "D_x + o + m" if plan.gradient_over is None else _place(plan, plan.gradient_over)
    body += [_write(place, constants.ref(p.d_x))]
    carried = [f"d_s_{s}" for s in p.states] + [f"p_{c}" for c, _ in plan.gradients]
    sums = [f"p_{c} + {constants.ref(d)}" for c, d in plan.gradients]
    body += _assigned(carried, [constants.ref(d) for d in p.d_states] + sums)
    return _function(
        "backward",
        arguments(plan, True),
        before=[f"d_s_{s} = {_read(f'G_{s} + q')}" for s in p.states]
        + [f"p_{c} = {_block('0.0')}" for c, _ in plan.gradients] + _coefficients(plan) + constants.made()
        + ["last = tl.cast(T, tl.int64) - 1", "mx = m * xm", "mg = m * gm"]
        + ["xo = r * xr + last * xt", "go = r * gr + last * gt", "o = r * ar + last * at"],
        body=[*body, "xo -= xt", "go -= gt", "o -= at"],
        after=[_write(f"G0_{s} + q", f"d_s_{s}") for s in p.states]
        + [_write(f"P_{c} + q", f"p_{c}") for c, _ in plan.gradients],
    )  # fmt: skip


def _function(name: str, names: list[str], *, before: list[str], body: list[str], after: list[str]) -> str:
    start = [
        "blocks = (M + BLOCK - 1) // BLOCK",
        "j = tl.program_id(0).to(tl.int64)",  # offsets may pass 2**31
        "r = j // blocks",
        "m = (j - r * blocks) * BLOCK + tl.arange(0, BLOCK)",
        "own = m < M",
        "q = r * M + m",
    ]
    names = [*names, "BLOCK: tl.constexpr", "STAGES: tl.constexpr"]
    head = f"\n@triton.jit(do_not_specialize=['T'])\ndef {name}({', '.join(names)}):\n"
    loop = ["for _ in tl.range(0, T, num_stages=STAGES):", *indent("\n".join(body), "    ").split("\n")]
    return head + indent("\n".join([*start, *before, *loop, *after]) + "\n", "    ")


def _coefficients(plan: Plan) -> list[str]:
    # Everything is a block: a value carried through the loop may not change its shape.
    return [
        f"c_{c} = " + (_read(f"C_{c} + (q // inner_{c}) % size_{c}") if c in plan.vectors else _block(f"c_{c}"))
        for c in plan.program.coefs
    ]


def _block(value: str) -> str:
    return f"tl.full((BLOCK,), {value}, tl.float32)"


def _read(address: str) -> str:
    return f"tl.load({address}, mask=own)"


def _write(address: str, value: str) -> str:
    return f"tl.store({address}, {value}, mask=own)"


def _assigned(names: Iterable[str], values: list[str]) -> list[str]:
    # In one statement: a value may be another state.
    names = list(names)
    return [f"{', '.join(names)} = {', '.join(values)}"] if names else []


def _place(plan: Plan, name: str) -> str:
    array = plan.place(name)
    return "X + xo + mx" if array == "X" else f"{array} + o + m"


def _stored(plan: Plan, name: str, constants: _Constants) -> str:
    if name in plan.program.truths:
        return f"{name}.to(tl.uint8)"
    if plan.storage == "float16":  # the largest half in place of infinity
        low, high = constants.ref(-65504.0), constants.ref(65504.0)
        name = f"tl.where({name} > {high}, {high}, tl.where({name} < {low}, {low}, {name}))"
    return name if plan.storage == "float32" else f"{name}.to(tl.{plan.storage})"


def _loaded(plan: Plan, name: str) -> str:
    value = _read(_place(plan, name))
    if name in plan.program.truths:
        return f"{value} != 0"
    return value if plan.storage == "float32" else f"{value}.to(tl.float32)"
