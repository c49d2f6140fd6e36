"""Steps written down as programs, and steps that cannot be: told by neuron and line, then run step by step."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.utils.checkpoint
from hypothesis import given, settings

from snnctl.kernels.program import Line
from snnctl.kernels.trace import Untraceable, trace
from snnctl.neurons import ALIF, LI, LIF, CubaLIF, Neuron
from tests.kernels.bad_steps import BAD, WRONG, Coefficients, Plain, RankTaken, SizeTaken, State, with_state_named
from tests.kernels.conventions import DT, cases, neurons, program_of
from tests.kernels.lines import random_inputs, run, tensors, value


def test_the_lines_of_a_lif():
    program = program_of(LIF())
    assert program.forward_lines() == [
        Line("t0", "mul", ("c_decay", "s_v")),
        Line("t1", "add", ("t0", "x")),
        Line("t2", "sub", ("t1", "c_threshold")),
        Line("t3", "ge", ("t2", 0.0), True),
        Line("t4", "number", ("t3",)),
        Line("t5", "mul", ("t4", "c_threshold")),
        Line("t6", "sub", ("t1", "t5")),
    ]
    assert (program.states, program.coefs, program.out, program.after) == (
        ("v",),
        ("decay", "threshold"),
        "t4",
        ("t6",),
    )
    assert program.differentiable and None not in (program.d_x, *program.d_states, *program.d_coefs)


def test_a_leaky_integrator_passes_the_gradient_of_its_output_and_its_state_on():
    program = program_of(LI())
    assert program.forward_lines() == [Line("t0", "mul", ("c_decay", "s_v")), Line("t1", "add", ("t0", "x"))]
    backward = program.backward_lines((), ())
    assert [line.op for line in backward] == ["add", "mul"] and set(backward[0].args) == {"d_out", "d_s_v"}


def assert_program_is_the_step(neuron: Neuron, seed: int) -> None:
    program, state, coefs = program_of(neuron), neuron.initial_state(torch.zeros(2, 3)), neuron.coefficients(DT)
    given = random_inputs(program, seed)
    x, before, values = tensors(program, given)
    state = state._replace(**dict(zip(program.states, before, strict=True)))
    out, after = neuron.step(x, state, coefs._replace(**dict(zip(program.coefs, values, strict=True))))
    results = [out, *(getattr(after, name) for name in program.states)]
    flowing = [torch.from_numpy(given["d_out"]), *(torch.from_numpy(given[f"d_s_{s}"]) for s in program.states)]
    pairs = [(r, g) for r, g in zip(results, flowing, strict=True) if r.requires_grad]
    leaves = [x, *before, *values]
    expected = torch.autograd.grad([r for r, _ in pairs], leaves, [g for _, g in pairs], allow_unused=True)
    found = run(program.lines, given)
    for name, result in zip((program.out, *program.after), results, strict=True):
        np.testing.assert_allclose(value(found, name), result.detach().numpy(), rtol=1e-6, atol=1e-6)
    names = (program.d_x, *program.d_states, *program.d_coefs)
    for name, gradient in zip(names, expected, strict=True):
        wanted = np.zeros(1, np.float32) if gradient is None else gradient.numpy()
        np.testing.assert_allclose(value(found, name) + 0 * wanted, wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("neuron", cases(), ids=lambda n: repr(n)[:70])
def test_the_program_of_every_convention_gives_its_step_and_its_gradient(neuron):
    assert_program_is_the_step(neuron, 0)


@settings(max_examples=60, deadline=None)
@given(neuron=neurons())
def test_the_program_of_any_neuron_gives_its_step_and_its_gradient(neuron):
    assert_program_is_the_step(neuron, 1)


def test_a_parameter_per_neuron_and_one_per_layer_give_the_same_program():
    alike = [LIF(learnable=["tau_mem"]), LIF(learnable=["tau_mem"], per="neuron", shape=(3,)), LIF(tau_mem=7e-3)]
    first, *others = [program_of(neuron).content() for neuron in alike]
    assert all(other == first for other in others)


def test_tracing_leaves_the_random_numbers_of_the_user_alone():
    before = torch.get_rng_state()
    program_of(CubaLIF(threshold=0.123))
    assert torch.equal(before, torch.get_rng_state())


def test_tracing_works_without_gradients_and_under_autocast():
    expected = program_of(ALIF()).content()
    with torch.no_grad():
        assert program_of(ALIF()).content() == expected
    with torch.autocast("cpu"):
        assert program_of(ALIF()).content() == expected


def test_a_spike_without_surrogate_lets_no_gradient_through():
    def step(x, state, coefs):
        v = coefs.k * state.v + x
        return (v > 1).to(v.dtype), State(v)

    program = trace(step, State(torch.zeros(2)), Coefficients(0.5), "Hard")
    assert "d_out" not in {a for line in program.backward_lines((), ("k",)) for a in line.args}
    assert program.differentiable and program.d_x is not None, "v itself still has one"


def test_a_step_without_any_gradient_is_no_error():
    def step(x, state, coefs):
        v = (coefs.k * state.v + x).detach()
        return (v > 1).to(v.dtype), State(v)

    program = trace(step, State(torch.zeros(2)), Coefficients(0.5), "Hard")
    assert not program.differentiable and program.forward_lines()


def traced(neuron: Neuron):
    return trace(neuron.step, neuron.initial_state(torch.zeros(2, 3)), neuron.coefficients(DT), type(neuron).__name__)


@pytest.mark.filterwarnings("ignore:Converting a tensor")
@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.__name__)
def test_a_bad_step_is_told_by_neuron_line_and_cause(kind):
    lines, first = inspect.getsourcelines(kind.step)
    number = first + next(i for i, line in enumerate(lines) if "# here" in line)
    with pytest.raises(Untraceable, match=BAD[kind]) as error:
        traced(kind())
    assert error.value.problem.startswith(f"{kind.__name__}.step (bad_steps.py:{number})") and error.value.hint


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
def test_wrong_results_are_told_by_name(kind):
    with pytest.raises(Untraceable, match=WRONG[kind]) as error:
        traced(kind())
    assert error.value.problem.startswith(f"{kind.__name__}.step") and error.value.hint


@pytest.mark.parametrize("kind", [SizeTaken, RankTaken], ids=lambda kind: kind.__name__)
def test_a_step_that_looks_at_the_shape_of_its_input_is_not_taken_for_elementwise(kind):
    x = torch.rand(4, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, _ = kind()(x, dt=DT)
    assert torch.equal(found, kind(backend="eager")(x, dt=DT)[0])


def test_auto_runs_a_bad_step_eagerly_with_one_warning_and_cpu_insists():
    class Mixed(Plain):
        def step(self, x, state, coefs):
            v = coefs.k * state.v + x.cumsum(-1)
            return v, State(v)

    x = torch.rand(4, 2, 3)
    with pytest.warns(UserWarning, match=r"Mixed\.step .*cumsum.* step by step") as caught:
        first, _ = Mixed()(x, dt=DT)
        second, _ = Mixed()(x, dt=DT)
    assert len(caught) == 1 and torch.equal(first, second)
    assert torch.equal(first, Mixed(backend="eager")(x, dt=DT)[0])
    assert Mixed().runs_on(x[0], DT).name == "eager"
    with pytest.raises(Untraceable, match=r"Mixed\.step .*cumsum"):
        Mixed(backend="cpu")(x, dt=DT)


@pytest.mark.parametrize("name", ["out", "x", "w", "i", "t0", "o", "T"])
def test_a_state_may_have_any_name(name):
    program = traced(with_state_named(name)())
    given = random_inputs(program)
    found = run(program.lines, given)
    before = {a for a in given if a.startswith("s_")}
    assert len(before) == 1
    np.testing.assert_array_equal(value(found, program.out), given["c_k"] * given[f"s_{name}"] + given["x"])
    total = given["d_out"] + given[f"d_s_{name}"]
    if name != "out":  # there the two gradients must have two names, whichever
        np.testing.assert_array_equal(value(found, program.d_x), total)


@pytest.mark.parametrize("constant", [math.inf, -math.inf, math.nan], ids=str)
def test_constants_that_are_no_finite_numbers_are_traced(constant):
    def step(x, state, coefs):
        v = torch.where(x > 2, constant, coefs.k * state.v + x)
        return v, State(v)

    program = trace(step, State(torch.zeros(2)), Coefficients(0.5), "Clipped")
    given = random_inputs(program) | {"x": np.full(64, 3, np.float32)}
    np.testing.assert_array_equal(value(run(program.lines, given), program.out), np.full(64, constant, np.float32))


def test_coefficients_that_are_no_numbers_are_part_of_the_program():
    class Options(NamedTuple):
        k: float
        mode: str
        powers: list

    class Listed(Plain):
        def coefficients(self, dt):
            return Options(0.5, "double", [1.0, 3.0])

        def step(self, x, state, coefs):
            v = coefs.k * state.v + x * sum(coefs.powers) * (2 if coefs.mode == "double" else 1)
            return v, State(v)

    x = torch.rand(3, 2, 4)
    assert traced(Listed()).coefs == ("k",)
    assert torch.equal(Listed(backend="cpu")(x, dt=DT)[0], Listed(backend="eager")(x, dt=DT)[0])


def test_a_first_call_in_inference_mode_is_traced_as_any_other():
    class Fresh(LIF):
        pass

    x = torch.rand(4, 2, 3)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("error")
        found, _ = Fresh(backend="cpu")(x, dt=DT)
    assert torch.equal(found, Fresh(backend="eager")(x, dt=DT)[0])
    x.requires_grad_()
    Fresh(backend="cpu")(x, dt=DT)[0].sum().backward()
    assert x.grad.any()


@pytest.mark.parametrize("where", ["anomalies", "hooks"])
def test_a_first_call_where_autograd_is_watched_is_traced_as_any_other(where):
    watched = {
        "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
        "hooks": lambda: torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t.clone()),
    }[where]
    neuron = LIF(threshold=0.9)
    given = neuron.initial_state(torch.zeros(1, 3)), neuron.coefficients(DT)
    expected = trace(neuron.step, *given, "LIF").content()
    with watched():
        assert trace(neuron.step, *given, "LIF").content() == expected


def test_a_first_call_under_a_checkpoint_is_traced_as_any_other():
    class Fresh(LIF):
        pass

    def gradient(backend):
        x = torch.linspace(0, 2, 24).view(4, 2, 3).requires_grad_()
        run = Fresh(backend=backend)
        torch.utils.checkpoint.checkpoint(lambda x: run(x, dt=DT)[0], x, use_reentrant=False).sum().backward()
        return x.grad

    assert torch.equal(gradient("cpu"), gradient("eager"))
