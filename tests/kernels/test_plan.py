"""What a kernel does with memory: what it keeps, what goes over the input, where the gradient goes."""

from __future__ import annotations

import pytest
import torch

from snnctl.kernels.plan import Plan, plan_for
from snnctl.neurons import ALIF, LI, LIF
from tests.kernels.conventions import program_of

FIXED, LEARNED, READOUT = program_of(LIF()), program_of(LIF(learnable=["tau_mem", "threshold"])), program_of(LI())


def test_a_lif_saves_one_value_that_takes_the_place_of_its_input_and_of_its_gradient():
    apart, over = Plan(FIXED), Plan(FIXED, overwrite=True)
    (name,) = apart.saved
    assert (apart.kept, apart.own, apart.over_x, apart.gradient_over) == ((name,), (name,), None, name)
    assert (over.kept, over.own, over.over_x, over.gradient_over) == ((name,), (), name, name)


def test_an_input_that_is_needed_again_is_not_written_over_but_by_its_gradient():
    plan = Plan(LEARNED, wanted=("decay", "threshold"), overwrite=True)
    assert set(plan.saved) == {"x", "s_v"} and plan.kept == plan.own == ("s_v",)
    assert plan.over_x is None and plan.gradient_over == "x"
    apart = Plan(LEARNED, wanted=("decay", "threshold"))
    assert apart.over_x is None and apart.gradient_over == "s_v"


def test_where_nothing_is_saved_the_gradient_has_memory_of_its_own():
    plan = Plan(READOUT)
    assert plan.saved == () and plan.gradient_over is None


def test_without_training_nothing_is_saved():
    plan = Plan(FIXED, training=False, overwrite=True)
    assert plan.saved == plan.kept == plan.own == () and plan.over_x is None


@pytest.mark.parametrize("storage", ["bfloat16", "float16"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_halves_are_never_written_over_a_float(storage, overwrite):
    for program, wanted in ((FIXED, ()), (LEARNED, ("decay", "threshold"))):
        plan = Plan(program, wanted=wanted, overwrite=overwrite, storage=storage)
        assert plan.over_x is None and plan.gradient_over in (None, "x")
        kinds = {plan.storage_of(name) for name in plan.kept}
        assert kinds <= {storage, "truth"} and storage in kinds


def test_truths_are_no_place_for_a_gradient():
    program = program_of(LIF(reset="none", threshold=0.5, surrogate=LIF().surrogate))
    for wanted in ((), program.coefs):
        plan = Plan(program, wanted=tuple(wanted))
        assert plan.gradient_over not in program.truths


def tensors(neuron, **options):
    x = torch.rand(3, 2, 4, **options)
    state, coefs = neuron.initial_state(x[0]), neuron.coefficients(1e-3)
    program = neuron.program(state, coefs)
    return program, x, [getattr(state, n) for n in program.states], [getattr(coefs, n) for n in program.coefs]


def test_plans_are_made_once():
    given = tensors(ALIF(), requires_grad=True)
    assert plan_for(*given) is plan_for(*given)
    assert plan_for(*given) is not plan_for(*given, overwrite=True)


def test_what_needs_a_gradient_decides_what_is_trained():
    program, x, states, values = tensors(LIF())
    assert not plan_for(program, x, states, values).training
    assert plan_for(program, x.clone().requires_grad_(), states, values).training
    assert plan_for(program, x, [s.clone().requires_grad_() for s in states], values).training
    program, x, states, values = tensors(LIF(learnable=["tau_mem"]))
    plan = plan_for(program, x, states, values)
    assert plan.training and plan.wanted == ("decay",) and not plan.vectors
    with torch.no_grad():
        assert not plan_for(program, x, states, values).training


def test_one_value_is_a_number_and_several_are_a_vector():
    _, _, _, values = given = tensors(
        LIF(threshold=[1.0, 2.0, 3.0, 4.0], per="neuron", shape=(4,), learnable=["v_rest"])
    )
    plan = plan_for(*given)
    assert plan.vectors == {"threshold", "v_rest"} and plan.wanted == ("v_rest",)
    assert [plan.program.coefs, len(values)] == [("decay", "v_rest", "threshold"), 3]
