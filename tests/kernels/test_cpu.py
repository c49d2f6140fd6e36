"""What is printed for the CPU: every op, beside torch; numbers kept in halves; vector instructions."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np
import pytest
import torch

from snnctl.kernels import compiled, cpu, launch
from snnctl.kernels.plan import Plan, plan_for
from snnctl.kernels.program import Line, Program
from snnctl.kernels.scan import scan
from snnctl.kernels.trace import Untraceable
from snnctl.neurons import ALIF, LIF, AdEx, Izhikevich
from tests.kernels.bad_steps import Plain, State, with_state_named
from tests.kernels.conventions import DT, POINTS, cases, drive, ops, program_of, program_of_op


def all_ops() -> tuple[Program, torch.Tensor, list[str]]:
    """One step whose states are every op of x, and what torch gives."""
    lines, after, expected, names = [], [], [], ops()
    for op in names:
        program, values = program_of_op(op)
        rename = {line.name: f"{op}_{line.name}" for line in program.lines}
        lines += [
            Line(rename[line.name], line.op, tuple(rename.get(a, a) for a in line.args), line.truth)
            for line in program.lines
        ]
        after.append(rename[program.out])
        expected.append(values)
    states = tuple(f"after_{op}" for op in names)
    nothing = (None,) * len(names)
    return (
        Program("Every", states, (), tuple(lines), "x", tuple(after), None, nothing, ()),
        torch.stack(expected),
        names,
    )


class Nothing(NamedTuple):
    """No coefficients."""


def test_every_op_is_what_torch_computes():
    program, expected, names = all_ops()
    Kept = NamedTuple("Kept", [(name, torch.Tensor) for name in program.states])
    x = POINTS[None, None]
    out, after = scan(program, x, Kept(*(torch.zeros(1, len(POINTS)) for _ in names)), Nothing())
    assert torch.equal(out, x)
    for op, found, wanted in zip(names, after, expected, strict=True):
        exact = op not in ("exp", "sigmoid", "tanh", "log", "log1p", "sin", "cos", "atan", "sqrt")  # torch rounds these
        finite = wanted.isfinite() & (wanted.abs() > 1e-37)  # the exponential stops at the ends of float32
        torch.testing.assert_close(
            found[0][finite], wanted[finite], rtol=0 if exact else 3e-7, atol=0 if exact else 1.2e-7, msg=op
        )
        assert torch.equal(found[0].isnan(), wanted.isnan()), op


@pytest.mark.parametrize("op, low, high", [("exp", -87, 88), ("sigmoid", -80, 80), ("tanh", -20, 20)])
def test_own_functions_are_within_a_few_units_of_the_last_place(op, low, high):
    program = Program("Single", (), (), (Line("t0", op, ("x",)),), "t0", (), None, (), ())
    x = torch.cat([torch.linspace(low, high, 50001), torch.logspace(-6, 0, 2001), -torch.logspace(-6, 0, 2001)])
    found = scan(program, x[None, None], Nothing(), Nothing())[0][0, 0].double()
    exact = getattr(torch, op)(x.double())
    assert ((found - exact).abs() / exact.abs()).max() < 1e-6


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_halves_are_rounded_as_torch_rounds(dtype):
    names: dict = {"np": np, "FLAGS": {}, "ZERO": np.float32(0), "ONE": np.float32(1)}
    exec("from numba import njit\n" + cpu.FUNCTIONS[f"to_{dtype}"] + cpu.FUNCTIONS[f"from_{dtype}"], names)
    random = np.random.default_rng(0)
    x = np.concatenate([random.standard_normal(2000) * scale for scale in (1, 1e-3, 1e-5, 1e-7, 1e3)])
    x = np.concatenate([x, [0.0, -0.0, 65504, 2**-14, 2**-24, 2**-25, 1e-45, math.pi]]).astype(np.float32)
    found = np.array([names[f"from_{dtype}"](names[f"to_{dtype}"](v)) for v in x], np.float32)
    np.testing.assert_array_equal(found, torch.from_numpy(x).to(getattr(torch, dtype)).float().numpy())
    if dtype == "float16":  # too large for a half: the largest there is
        assert names["from_float16"](names["to_float16"](np.float32(1e6))) == 65504


@pytest.mark.parametrize("neuron", cases(), ids=lambda n: repr(n)[:70])
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_every_convention_is_printed_as_python(neuron, storage):
    program = program_of(neuron)
    for vectors in (frozenset(), frozenset(program.coefs)):
        for overwrite in (False, True):
            for wanted in ((), program.coefs):
                plan = Plan(program, vectors, True, wanted, overwrite, storage)
                for one in (plan, Plan(program, vectors, False, (), overwrite, storage)):
                    text = cpu.source(one)
                    compile(text, "kernel", "exec")
                    assert text == cpu.source(one), "the text is the key of the cache"


def test_an_unknown_op_names_the_neuron_and_the_op():
    program = Program("Erf", (), (), (Line("t0", "erf", ("x",)),), "t0", (), None, (), ())
    with pytest.raises(Untraceable, match=r"Erf\.step uses erf"):
        cpu.source(Plan(program, training=False))


@pytest.mark.parametrize("name", ["out", "x", "w", "i", "o", "T", "v", "block"])
def test_a_state_may_have_any_name(name):
    Kept = with_state_named(name)
    x = drive(4, 2, 3)
    found, expected = (Kept(backend=b)(x.requires_grad_(), dt=DT) for b in ("cpu", "eager"))
    assert torch.equal(found[0], expected[0]) and torch.equal(found[1][0], expected[1][0])


@pytest.mark.parametrize("constant", [math.inf, -math.inf], ids=str)
def test_constants_that_are_no_finite_numbers_are_printed(constant):
    class Clipped(Plain):
        def step(self, x, state, coefs):
            v = coefs.k * state.v + x
            return torch.where(v > 1, constant, v), State(v)

    x = drive(6, 2, 3)
    assert torch.equal(Clipped(backend="cpu")(x, dt=DT)[0], Clipped(backend="eager")(x, dt=DT)[0])


class Both(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        return torch.where(torch.logical_and(x, v), v * v, v), State(v)


class Sum(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + x
        return v * ((v > 0.2) + (v > 0.5)), State(v)


@pytest.mark.parametrize("kind", [Both, Sum], ids=lambda kind: kind.__name__)
def test_truths_are_kept_as_truths(kind):
    grads = []
    for backend in ("eager", "cpu"):
        x = drive(6, 2, 9).requires_grad_()
        out, _ = kind(backend=backend)(x, dt=DT)
        out.sum().backward()
        grads.append((out, x.grad))
    assert torch.equal(grads[0][0], grads[1][0]) and torch.equal(grads[0][1], grads[1][1])


@pytest.mark.parametrize("neuron", [
    LIF(threshold=0.9), LIF(learnable=["tau_mem", "threshold"], reset_delay=True, refractory=3e-3), ALIF(), AdEx(),
    Izhikevich(),
], ids=lambda neuron: type(neuron).__name__)  # fmt: skip
def test_the_loop_over_neurons_is_vectorised(neuron, monkeypatch):
    monkeypatch.setattr(compiled, "kernel_folder", lambda: None)  # from disk there is no code to look at
    x = drive(9, 4, 64).requires_grad_()
    state, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
    program = neuron.program(state, coefs)
    launch.kernels.cache_clear()
    scan(program, x, state, coefs)[0].sum().backward()
    states = [getattr(state, name) for name in program.states]
    plan = plan_for(program, x, states, [getattr(coefs, name) for name in program.coefs])
    for kernel in launch.kernels(plan):
        (code,) = kernel._compiled.inspect_llvm().values()
        scalar = re.findall(r"f(?:mul|add|sub) float", code)
        vector = re.findall(r"f(?:mul|add|sub) <\d+ x float>", code)
        assert len(vector) >= len(scalar) / 2, (
            f"{kernel.name}: {len(scalar)} operations on one neuron, {len(vector)} on many"
        )
        assert "vector.memcheck" not in code, f"{kernel.name}: whether arrays overlap is tested at run time"
    launch.kernels.cache_clear()
