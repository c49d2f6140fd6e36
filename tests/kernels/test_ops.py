"""Every torch operation that kernels know, as lines run in numpy beside torch: its value and its gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from snnctl.kernels.ops import ARITHMETIC, TRUTHS
from snnctl.kernels.trace import Untraceable, trace
from tests.kernels.lines import random_inputs, run, value


class State(NamedTuple):
    v: torch.Tensor


class Coefficients(NamedTuple):
    k: float


# Of x in -0.3 to 1.3 and the state v > 0; what is not a number at some x is not one in torch either.
FORMULAS = {
    "add": lambda x, v: x + v, "add alpha": lambda x, v: torch.add(x, v, alpha=0.5), "add number": lambda x, v: x + 2,
    "sub": lambda x, v: x - v, "sub alpha": lambda x, v: torch.sub(x, v, alpha=3), "rsub": lambda x, v: 1 - x,
    "rsub alpha": lambda x, v: torch.rsub(x, v, alpha=0.3), "mul": lambda x, v: x * v, "div": lambda x, v: x / (v + 2),
    "number by": lambda x, v: 2 / (x + 2), "floor division": lambda x, v: torch.div(x, v + 2, rounding_mode="floor"),
    "neg": lambda x, v: -x, "positive": lambda x, v: +x, "abs": lambda x, v: x.abs(), "sign": lambda x, v: x.sign() * v,
    "floor": lambda x, v: (3 * x).floor() + x, "sqrt": lambda x, v: x.sqrt(), "rsqrt": lambda x, v: (v + 1).rsqrt(),
    "square": lambda x, v: x.square(), "exp": lambda x, v: x.exp(), "exp2": lambda x, v: torch.exp2(x),
    "log": lambda x, v: (x + 1).log(), "log1p": lambda x, v: x.log1p(), "sin": lambda x, v: x.sin(),
    "cos": lambda x, v: x.cos(), "atan": lambda x, v: x.atan(), "tanh": lambda x, v: x.tanh(),
    "sigmoid": lambda x, v: x.sigmoid(), "softplus": lambda x, v: F.softplus(x), "relu": lambda x, v: x.relu(),
    "reciprocal": lambda x, v: (v + 1).reciprocal(),
    "softplus 20": lambda x, v: F.softplus(20 * x, beta=3, threshold=5),
    **{f"power {p}": lambda x, v, p=p: (x + 0.5) ** p for p in (-2, -1, 0, 0.5, 1, 2, 3, 4)},
    "where": lambda x, v: torch.where(x > v, x, v), "where numbers": lambda x, v: torch.where(x > v, 2.0, -1.0) * x,
    "masked_fill": lambda x, v: x.masked_fill(x > v, -1.0), "clamp below": lambda x, v: x.clamp(min=0.2),
    "clamp above": lambda x, v: x.clamp(max=0.7), "clamp": lambda x, v: x.clamp(0.2, 0.7),
    "clamp to tensors": lambda x, v: x.clamp(max=v), "hardtanh": lambda x, v: F.hardtanh(x, 0.1, 0.6),
    "maximum": lambda x, v: torch.maximum(x, v), "minimum": lambda x, v: torch.minimum(x, v),
    "lerp": lambda x, v: torch.lerp(x, v, 0.3), "addcmul": lambda x, v: torch.addcmul(x, x, v, value=0.5),
    "addcdiv": lambda x, v: torch.addcdiv(x, x, v + 2, value=0.5), "detach": lambda x, v: x.detach() * v,
    "clone": lambda x, v: x.clone() + v, "ones": lambda x, v: x + torch.ones_like(x) * v,
    "zeros": lambda x, v: torch.zeros_like(x) + v, "full": lambda x, v: x * torch.full_like(x, 3.0),
    "compared": lambda x, v: sum((o(x, v) * float(w) for w, o in enumerate(
        (torch.ge, torch.gt, torch.le, torch.lt, torch.eq, torch.ne), 1)), x),
    "and": lambda x, v: x * ((x > 0.2) & (v > 0.2)), "or": lambda x, v: x * ((x > 0.9) | (v > 0.9)),
    "not": lambda x, v: x * ~(x > 0.5), "logical": lambda x, v: x * torch.logical_and(x > 0, torch.logical_not(v > 1)),
    "logical of numbers": lambda x, v: torch.where(torch.logical_or(x > 9, v.floor()), x, v),
    "nan": lambda x, v: torch.where(x.sqrt().isnan(), v, x),
    "truth plus truth": lambda x, v: x * ((x > 0.2) + (v > 0.2)),
    "truth times truth": lambda x, v: x * ((x > 0.2) * (v > 0.2)), "truth minus": lambda x, v: x * (1 - (x > 0.2) * v),
    "where truths": lambda x, v: x * torch.where(x > 0.5, v > 0.2, v > 0.8), "same thing": lambda x, v: x * v + x * v,
}  # fmt: skip


def program_of(formula):
    def step(x, state, coefs):
        out = formula(x, state.v)
        return out, State(state.v * coefs.k)

    return trace(step, State(torch.zeros(2)), Coefficients(0.5), "Formula"), step


@pytest.mark.parametrize("name", FORMULAS)
def test_an_operation_and_its_gradient_are_what_torch_computes(name):
    program, step = program_of(FORMULAS[name])
    given = random_inputs(program)
    leaf = {n: torch.from_numpy(a.copy()).requires_grad_() for n, a in given.items()}
    out, after = step(leaf["x"], State(leaf["s_v"]), Coefficients(leaf["c_k"]))
    leaves = [leaf["x"], leaf["s_v"]]
    d = torch.autograd.grad([out, after.v], leaves, [leaf["d_out"], leaf["d_s_v"]], allow_unused=True)
    found = run(program.lines, given)
    np.testing.assert_allclose(value(found, program.out), out.detach().numpy(), rtol=2e-6, atol=2e-7)
    for ref, expected in zip((program.d_x, *program.d_states), d, strict=True):
        expected = np.zeros(1) if expected is None else expected.detach().numpy()
        np.testing.assert_allclose(value(found, ref) + 0 * expected, expected, rtol=1e-5, atol=1e-6)


def test_every_op_of_a_printer_comes_up():
    used = {line.op for formula in FORMULAS.values() for line in _lines(formula)}
    assert used == {*ARITHMETIC, *TRUTHS}


def _lines(formula):
    try:
        return program_of(formula)[0].lines
    except Untraceable:  # told by the test of that formula
        return []


def test_the_same_computation_is_written_once():
    program, _ = program_of(lambda x, v: (x * v) * (x * v))
    assert [line.op for line in program.forward_lines()] == ["mul", "mul", "mul"]  # x v, its square, and the state
