"""Steps as C functions: compiled with the system's compiler, and run beside the neuron's own step."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels.c import CFLAGS, Dialect, step_source
from snnctl.kernels.program import Line, Program
from snnctl.kernels.trace import Untraceable
from snnctl.neurons import LIF
from tests.kernels.conventions import DT, POINTS, SHAPE, cases, drive, eager, neurons, ops, program_of, program_of_op

COMPILER = shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler here: neither gcc nor clang")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wdouble-promotion", "-Wfloat-conversion", "-Werror")
BATCH, STEPS = 3, 30


def compiled(folder, sources: dict[str, str], *flags: str) -> ctypes.CDLL:
    """A library of functions, each in its own file."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"{name}.c" for name in sources]
    for file, text in zip(files, sources.values(), strict=True):
        file.write_text(text)
    library = folder / "library.so"
    command = [COMPILER, *CFLAGS, *WARNINGS, *flags, "-shared", "-fPIC", *map(str, files), "-o", str(library), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def call(function, n: int, *arrays) -> None:
    """Arrays as pointers, (array, period) as a pointer and a long."""
    given = []
    for array in arrays:
        array, period = array if isinstance(array, tuple) else (array, None)
        given += [ctypes.c_void_p(array.ctypes.data)] + ([] if period is None else [ctypes.c_long(period)])
    function.restype = None
    function(ctypes.c_long(n), *given)


def coefficient(value: float | Tensor) -> tuple[np.ndarray, int]:
    value = torch.as_tensor(value).detach()
    if value.dim() == 0:
        return value.float().numpy().reshape(1), 1
    spread = value.expand(SHAPE).contiguous().flatten().numpy()
    return spread, len(spread)  # repeats with every sample


def assert_equal_to_eager(function, neuron) -> None:
    """Free running: an error of the first step would stay in the state of all others."""
    x, coefs = drive(STEPS, BATCH, *SHAPE), neuron.coefficients(DT)
    program, n = program_of(neuron), BATCH * math.prod(SHAPE)
    with torch.no_grad():
        start = neuron.initial_state(x[0])
        expected, end = eager(neuron, x, start, coefs)
    states = [getattr(start, name).clone().flatten().numpy() for name in program.states]
    values = [coefficient(getattr(coefs, name)) for name in program.coefs]
    out = np.empty(n, np.float32)
    for t in range(STEPS):
        call(function, n, x[t].flatten().numpy(), out, *states, *values)
        np.testing.assert_array_equal(out, expected[t].flatten().numpy(), f"step {t}")
    for name, state in zip(program.states, states, strict=True):
        np.testing.assert_array_equal(state, getattr(end, name).flatten().numpy(), name)


@pytest.fixture(scope="module", params=[(), ("-O3", "-march=native")], ids=["O2", "native"])
def library(request, tmp_path_factory):
    """Of all cases; -march=native has the fused multiply-adds that CFLAGS must keep out."""
    sources = {f"case{i}": step_source(program_of(neuron), name=f"case{i}") for i, neuron in enumerate(cases())}
    return compiled(tmp_path_factory.mktemp("c"), sources, *request.param)


@needs_compiler
@pytest.mark.parametrize("number", range(len(cases())), ids=lambda i: repr(cases()[i])[:70])
def test_every_convention_is_bit_equal_to_eager_over_30_steps(library, number):
    assert_equal_to_eager(library[f"case{number}_step"], cases()[number])


@needs_compiler
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(neuron=neurons())
def test_any_neuron_is_bit_equal_to_eager(tmp_path_factory, neuron):
    source = {"any": step_source(program_of(neuron), name="any")}
    assert_equal_to_eager(compiled(tmp_path_factory.mktemp("any"), source)["any_step"], neuron)


@needs_compiler
def test_the_output_may_take_the_place_of_the_input(library):
    neuron, x = cases()[3], drive(1, 4)[0]
    values = [coefficient(value) for value in neuron.coefficients(DT) if value is not None]
    expected, after = neuron.step(x, neuron.initial_state(x), neuron.coefficients(DT))
    array, v = x.numpy().copy(), np.zeros(4, np.float32)
    call(library["case3_step"], 4, array, array, v, *values)
    assert (array == expected.numpy()).all() and (v == after.v.numpy()).all() and array.any()


@needs_compiler
def test_every_op_is_what_torch_computes(tmp_path):
    programs = {op: program_of_op(op) for op in ops()}
    functions = compiled(tmp_path, {f"op_{op}": step_source(p, name=f"op_{op}") for op, (p, _) in programs.items()})
    for op, (_, expected) in programs.items():
        out = np.empty(len(POINTS), np.float32)
        call(functions[f"op_{op}_step"], len(POINTS), POINTS.numpy(), out)
        np.testing.assert_allclose(out, expected.numpy(), rtol=3e-7, atol=1e-37, err_msg=op)


@needs_compiler
@pytest.mark.parametrize("value", [0.1, -0.1, 1e-40, -0.0, 3.4e38, 16777217.0, math.inf, -math.inf, math.nan, 1 / 3])
def test_constants_are_the_floats_that_torch_makes_of_them(tmp_path, value):
    program = Program("Constant", (), (), (), value, (), None, (), ())
    out = np.empty(2, np.float32)
    call(compiled(tmp_path, {"k": step_source(program, name="k")})["k_step"], 2, out, out)
    expected = torch.full((2,), value).numpy()
    assert (out.view(np.int32) == expected.view(np.int32)).all() or (np.isnan(out).all() and math.isnan(value))


@needs_compiler
def test_fast_math_does_not_compile(tmp_path):
    file = tmp_path / "lif.c"
    file.write_text(step_source(program_of(LIF()), name="lif"))
    command = [COMPILER, *CFLAGS, "-c", str(file), "-o", str(tmp_path / "lif.o")]
    assert subprocess.run(command).returncode == 0
    refused = subprocess.run([*command, "-ffast-math"], capture_output=True, text=True)
    assert refused.returncode != 0 and "-ffp-contract=off" in refused.stderr


def test_the_flag_that_keeps_products_and_sums_apart_is_given_and_named_in_the_file():
    assert "-ffp-contract=off" in CFLAGS and "-ffp-contract=off" in step_source(program_of(LIF()), name="lif")


def test_an_unknown_op_names_the_neuron_and_the_op():
    program = Program("Erf", (), (), (Line("t0", "erf", ("x",)),), "t0", (), None, (), ())
    with pytest.raises(Untraceable, match=r"Erf\.step uses erf"):
        step_source(program, name="erf")


@pytest.mark.parametrize("name", ["", "9lives", "layer.0", "größe", "a b"])
def test_a_name_that_c_does_not_take_is_an_error(name):
    with pytest.raises(UserError, match="no name of a C function"):
        step_source(program_of(LIF()), name=name)


# Numbers as multiples of 2**-16 in 32 bits, products in 64: what a target without floats could give.
FIXED = Dialect(
    "int32_t",
    {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "(int32_t)(((int64_t){0} * {1}) >> 16)", "ge": "{0} >= {1}",
        "number": "{0} ? 65536 : 0",
    },
    lambda value: f"({round(value * 65536)})",
    "#include <stdint.h>\n",
)  # fmt: skip


@needs_compiler
def test_a_target_may_give_expressions_in_integers(tmp_path):
    neuron, n = LIF(tau_mem=5e-3, threshold=0.7), 6
    source = step_source(program_of(neuron), name="lif", integer=FIXED)
    function = compiled(tmp_path, {"lif": source})["lif_step"]
    x = np.round(drive(STEPS, n).numpy() * 65536).astype(np.int32)
    decay, threshold = (round(float(value) * 65536) for value in (neuron.coefficients(DT).decay, 0.7))
    v, out, expected = np.zeros(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int64)
    fired = 0
    for t in range(STEPS):
        call(function, n, x[t], out, v, (np.array([decay], np.int32), 1), (np.array([threshold], np.int32), 1))
        expected = ((decay * expected) >> 16) + x[t]
        spikes = expected >= threshold
        expected = expected - threshold * spikes
        assert (out == 65536 * spikes).all() and (v == expected).all()
        fired += spikes.sum()
    assert 0.1 * STEPS * n < fired < 0.9 * STEPS * n


def test_an_op_that_the_target_does_not_define_is_an_error():
    with pytest.raises(Untraceable, match=r"LIF.step uses where, .* \(int32_t\)"):
        step_source(program_of(LIF(max_spikes=None)), name="lif", integer=Dialect("int32_t", {
            **FIXED.expressions, "div": "{0} / {1}", "floor": "{0}", "lt": "{0} < {1}",
        }, FIXED.constant))  # fmt: skip
