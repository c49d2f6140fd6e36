"""What the forward pass keeps: enough for every gradient, and the least that is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.kernels.cut import INPUT, STATE, TRUTH, VALUE, saved_values
from snnctl.kernels.program import Program
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from snnctl.surrogates import Triangle
from tests.kernels.conventions import neurons, program_of
from tests.kernels.lines import random_inputs, run, value


def gradients(program: Program, coefs) -> list:
    wanted = [d for c, d in zip(program.coefs, program.d_coefs, strict=True) if c in coefs]
    return [program.d_x, *program.d_states, *wanted]


def from_saved(program: Program, coefs, saved, inputs) -> list[np.ndarray]:
    """The gradients from saved values, coefficients and incoming gradients alone; KeyError if they do not do."""
    everything = run(program.lines, inputs)
    there = {name: everything[name] for name in saved}
    there |= {name: a for name, a in inputs.items() if name[:2] in ("c_", "d_")}
    found = run(program.backward_lines(saved, coefs), there)
    return [value(found, d) for d in gradients(program, coefs)]


def forward_names(program: Program) -> set[str]:
    """x, the states, and what follows from them and no incoming gradient."""
    forward = {"x", *program.before}
    backward = {"d_out", *(f"d_s_{s}" for s in program.states)}
    for line in program.lines:
        if backward.intersection(map(str, line.args)):
            backward.add(line.name)
        elif forward.intersection(map(str, line.args)):
            forward.add(line.name)
    return forward


def cost(program: Program, saved) -> int:
    prices = {"x": INPUT, **dict.fromkeys(program.before, STATE), **dict.fromkeys(program.truths, TRUTH)}
    return sum(prices.get(name, VALUE) for name in saved)


@settings(max_examples=150, deadline=None)
@given(neuron=neurons(), data=st.data())
def test_the_saved_values_are_enough_for_every_gradient(neuron, data):
    program = program_of(neuron)
    coefs = data.draw(st.lists(st.sampled_from(program.coefs), unique=True)) if program.coefs else []
    exact = data.draw(st.booleans())
    saved, inputs = saved_values(program, coefs, exact), random_inputs(program)
    everything = run(program.lines, inputs)
    for found, ref in zip(from_saved(program, coefs, saved, inputs), gradients(program, coefs), strict=True):
        np.testing.assert_array_equal(found, value(everything, ref))
    assert set(saved) <= forward_names(program), "an incoming gradient is not there to be saved"


@settings(max_examples=60, deadline=None)
@given(neuron=neurons(), data=st.data())
def test_no_spike_is_made_anew_from_rounded_values(neuron, data):
    program = program_of(neuron)
    coefs = data.draw(st.lists(st.sampled_from(program.coefs), unique=True)) if program.coefs else []
    saved = saved_values(program, coefs, exact=False)
    lines, forward = program.backward_lines(saved, coefs), forward_names(program)
    assert not [line for line in lines if line.truth and line.name in forward]


SMALL = [
    IF(), LIF(), LIF(reset="zero"), LIF(detach_reset=True), LIF(reset="none"), LIF(surrogate=Triangle()), CubaLIF(),
    ALIF(), LI(),
]  # fmt: skip


@pytest.mark.parametrize("learnable", [False, True], ids=["fixed", "learnable"])
@pytest.mark.parametrize("neuron", SMALL, ids=lambda n: repr(n)[:60])
def test_nothing_cheaper_would_do(neuron, learnable):
    program = program_of(neuron)
    coefs = program.coefs if learnable else ()
    saved, inputs = saved_values(program, coefs), random_inputs(program)
    numbers = {line.name for line in program.lines if line.op == "number"}
    candidates = sorted(forward_names(program) - numbers)
    for size in range(len(saved) + 2):
        for other in itertools.combinations(candidates, size):
            if cost(program, other) < cost(program, saved):
                with pytest.raises(KeyError):
                    from_saved(program, coefs, other, inputs)


def kinds(program: Program, saved) -> list[str]:
    made = {line.name: "truth" if line.truth else "value" for line in program.lines}
    return sorted(made.get(name, name) for name in saved)


@pytest.mark.parametrize(
    "neuron, fixed, learnable",
    [
        (LIF(), ["value"], ["s_v", "x"]),
        (LIF(detach_reset=True), ["value"], None),
        (CubaLIF(), ["value"], ["s_i", "s_v", "x"]),
        (ALIF(), ["value", "value"], ["s_a", "s_v", "x"]),
        (LI(), [], ["s_v"]),
    ],
    ids=lambda n: type(n).__name__,
)
def test_what_the_known_neurons_save(neuron, fixed, learnable):
    program = program_of(neuron)
    assert kinds(program, saved_values(program, ())) == fixed
    if learnable is not None:
        assert kinds(program, saved_values(program, program.coefs)) == learnable
