"""Kernels beside the step in torch: the same outputs, states and gradients, however the input lies in memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.kernels import threads
from snnctl.kernels.scan import scan
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from tests.kernels.against_eager import DT, assert_same, close, outcome
from tests.kernels.conventions import SHAPE, drive
from tests.kernels.sequences import FAST, LEARNED, NEURONS, PARAMETERS, ROUNDED, WAYS, memory, sequences, some_state

LOSSES = ["both", "out", "state", "sum", "last", "time"]


@pytest.fixture(autouse=True)
def one_thread():
    """Tests set their own number."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def label(neuron) -> str:
    return repr(neuron)[:70]


@pytest.mark.parametrize("neuron", NEURONS + ROUNDED, ids=label)
def test_every_convention_is_bit_equal_to_eager(neuron):
    x = drive(25, 3, *SHAPE)
    found, expected = outcome(neuron, x), outcome(neuron, x, backend="eager")
    assert_same(found, expected, exact=neuron not in ROUNDED)
    assert found.out.any() and found.d_x.any(), "the input does not make it fire"


@settings(max_examples=150, deadline=None)
@given(
    neuron=st.sampled_from(NEURONS), sequence=sequences(), loss=st.sampled_from(LOSSES), started=st.booleans(),
    parts=st.integers(1, 3),
)  # fmt: skip
def test_any_input_in_any_layout_is_bit_equal_to_eager(neuron, sequence, loss, started, parts):
    state = some_state(neuron, sequence.x) if started else None
    expected = outcome(neuron, sequence.x, state, loss=loss, backend="eager")
    torch.set_num_threads(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "ALONE", 0)
        untouched = sequence.x.clone()
        assert_same(outcome(neuron, sequence.x, state, loss=loss), expected)
    assert torch.equal(sequence.x, untouched)


@settings(max_examples=60, deadline=None)
@given(neuron=st.sampled_from(PARAMETERS), sequence=sequences(SHAPE), loss=st.sampled_from(LOSSES))
def test_gradients_of_parameters_are_those_of_eager(neuron, sequence, loss):
    found, expected = (outcome(neuron, sequence.x, loss=loss, backend=b) for b in ("cpu", "eager"))
    assert_same(found, expected)
    assert all(d is None or d.shape == p.shape for (_, p), d in zip(
        neuron.named_parameters(), found.d_parameters.values(), strict=True))  # fmt: skip


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("shape", [(2, 3), (3, 4, 4)], ids=str)
def test_parameters_of_channels_and_neurons_in_every_layout(how, shape):
    for per in ("channel", "neuron"):
        neuron, x = LIF(**LEARNED, per=per, shape=shape), memory(drive(6, 2, *shape), how)
        for parameter in neuron.parameters():  # no two alike
            parameter.data += 0.2 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(1))
        assert_same(outcome(neuron, x), outcome(neuron, x, backend="eager"))


@pytest.mark.parametrize("neuron", [LIF(**FAST), CubaLIF(**FAST), ALIF(**LEARNED), LI()], ids=label)
def test_two_halves_are_the_whole_bit_for_bit(neuron):
    x, start = drive(21, 3, *SHAPE), some_state(neuron, drive(1, 3, *SHAPE))
    whole = outcome(neuron, x, start)
    leaf, start = x.clone().requires_grad_(), type(start)(*(s if s is None else s.requires_grad_() for s in start))
    first, between = neuron(leaf[:8], start, dt=DT)
    second, after = neuron(leaf[8:], between, dt=DT)
    assert torch.equal(torch.cat([first, second]), whole.out)
    for name, s in whole.states.items():
        assert torch.equal(getattr(after, name), s), name
    generator = torch.Generator().manual_seed(7)  # as outcome weighs them
    total = (torch.cat([first, second]) * torch.randn(x.shape, generator=generator)).sum()
    for s in after:
        if s is not None:
            total = total + (s * torch.randn(s.shape, generator=generator)).sum()
    total.backward()
    assert torch.equal(leaf.grad, whole.d_x)
    for name, d in whole.d_states.items():
        close(getattr(start, name).grad, d, name, 0)


def test_a_second_backward_pass_gives_the_same_gradients_again():
    for neuron in (LIF(**FAST), LIF(**LEARNED), ALIF(**FAST), LI(learnable=["tau_mem"])):
        for overwrite in (False, True):
            x = drive(9, 2, 40).requires_grad_()
            out, state = neuron((x * 1.0), dt=DT, overwrite=overwrite)
            total = (out * drive(9, 2, 40, seed=3)).sum() + state.v.sum()
            first = torch.autograd.grad(total, [x, *neuron.parameters()], retain_graph=True)
            second = torch.autograd.grad(total, [x, *neuron.parameters()], retain_graph=True)
            third = torch.autograd.grad(total, [x, *neuron.parameters()])
            for a, b, c in zip(first, second, third, strict=True):
                assert torch.equal(a, b) and torch.equal(a, c)


@settings(max_examples=40, deadline=None)
@given(neuron=st.sampled_from([LIF(**FAST), LIF(**LEARNED), ALIF(**FAST), LI()]), sequence=sequences())
def test_overwriting_changes_no_result_and_nothing_outside_of_the_input(neuron, sequence):
    expected = outcome(neuron, sequence.x, loss="out")
    storage = sequence.x.untyped_storage()
    whole = torch.empty(0).set_(storage)  # all of the memory that x is a part of
    inside = torch.zeros_like(whole, dtype=torch.bool)
    inside.as_strided(sequence.x.shape, sequence.x.stride(), sequence.x.storage_offset()).fill_(True)
    before = whole.clone()
    found = outcome(neuron, sequence.x, loss="out", overwrite=True)
    assert torch.equal(whole[~inside], before[~inside])
    assert_same(found, expected)


def test_overwriting_saves_the_memory_that_it_promises():
    x = drive(5, 2, 40)
    with torch.no_grad():
        out, _ = LIF(**FAST)(x, dt=DT, overwrite=True)
    assert out.data_ptr() == x.data_ptr() and set(out.unique().tolist()) == {0.0, 1.0}
    x = drive(5, 2, 40)
    leaf = x.detach().requires_grad_()
    out, _ = LIF(**FAST)(leaf, dt=DT, overwrite=True)
    (d_x,) = torch.autograd.grad(out.sum(), leaf)
    assert d_x.data_ptr() == x.data_ptr() != out.data_ptr()


@pytest.mark.parametrize("storage, bound", [("bfloat16", 0.02), ("float16", 0.003)])
@pytest.mark.parametrize("neuron", [LIF(**FAST), LIF(**LEARNED), ALIF(**FAST)], ids=label)
def test_halves_cost_accuracy_of_the_gradient_alone(neuron, storage, bound):
    x = drive(30, 3, 40).requires_grad_()
    given_ = neuron.initial_state(x[0]), neuron.coefficients(DT)
    program = neuron.program(*given_)
    full, _ = scan(program, x, *given_)
    half, _ = scan(program, x, *given_, storage=storage)
    assert torch.equal(full, half)
    weights = drive(30, 3, 40, seed=1)
    wanted = [x, *neuron.parameters()]
    for a, b in zip(*(torch.autograd.grad((o * weights).sum(), wanted, retain_graph=True) for o in (full, half)),
                    strict=True):  # fmt: skip
        assert (a - b).norm() <= bound * a.norm()


@pytest.mark.parametrize("storage", ["bfloat16", "float16"])
def test_overwriting_does_not_disturb_halves(storage):
    neuron, x = LIF(**FAST), drive(12, 2, 40)
    given_ = neuron.initial_state(x[0]), neuron.coefficients(DT)
    grads = []
    for overwrite in (False, True):
        leaf = x.clone().requires_grad_()
        out, _ = scan(neuron.program(*given_), leaf * 1.0, *given_, storage=storage, overwrite=overwrite)
        grads.append(torch.autograd.grad(out.sum(), leaf)[0])
    assert torch.equal(*grads)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.uint8, torch.int64, torch.bool], ids=str)
def test_other_inputs_are_run_in_float32(dtype):
    neuron, x = LIF(**FAST), (drive(9, 2, 6) * 3).to(dtype)
    out, state = neuron(x, dt=DT)
    expected, after = LIF(**FAST, backend="eager")(x, dt=DT)
    assert out.dtype == expected.dtype and torch.equal(out, expected) and torch.equal(state.v, after.v)
    assert state.v.dtype == torch.float32


def test_the_gradient_of_a_half_precision_input_is_one():
    x = drive(9, 2, 6).bfloat16().requires_grad_()
    out, _ = LIF(**FAST, backend="cpu")(x, dt=DT)
    out.sum().backward()
    assert x.grad.dtype == torch.bfloat16 and x.grad.any() and out.dtype == torch.bfloat16


def test_the_precision_of_the_reference_is_the_reference():
    x = drive(5, 2, 3).double()
    out, state = LIF()(x, dt=DT)
    assert out.dtype == state.v.dtype == torch.float64
    with pytest.raises(UserError, match="float64"):
        LIF(backend="cpu")(x, dt=DT)


@pytest.mark.parametrize("shape", [(4, 0, 3), (4, 2, 0)], ids=str)
def test_nothing_to_compute(shape):
    x = torch.zeros(shape, requires_grad=True)
    out, state = LIF(backend="cpu")(x, dt=DT)
    (out.sum() + state.v.sum()).backward()
    assert out.shape == x.grad.shape == shape and state.v.shape == shape[1:]


def test_numbers_that_are_none_are_passed_on_as_in_torch():
    x = drive(8, 2, 5)
    x[1, 0, 0], x[2, 0, 1], x[3, 1, 2] = float("nan"), float("inf"), -float("inf")
    for neuron in (LIF(**FAST), CubaLIF(**FAST), LI(), *ROUNDED):
        found, expected = (outcome(neuron, x, loss="out", backend=b) for b in ("cpu", "eager"))
        torch.testing.assert_close(found.out, expected.out, rtol=0, atol=0, equal_nan=True)
        assert torch.equal(found.d_x.isnan(), expected.d_x.isnan())


def test_a_state_that_does_not_fit_is_an_error_and_not_read_past_its_end():
    neuron = LIF(**FAST)
    wide = neuron.initial_state(torch.zeros(2, 9))
    with pytest.raises(UserError, match="state"):
        neuron(drive(3, 2, 4), wide, dt=DT)


def test_a_state_may_be_shared_by_the_neurons_of_a_sample():
    from snnctl.kernels.layout import layout_of

    x = drive(3, 2, 64)
    assert layout_of(x).state(torch.ones(2, 1)).shape == (128,)
    assert layout_of(x).state(torch.ones(1, 64)).shape == (128,)


def test_the_same_bits_every_time_and_with_any_number_of_threads():
    neuron, x = ALIF(**LEARNED), drive(60, 64, 70)  # work for more than one thread
    runs = []
    for count in (1, 2, 1, 2, 3):
        torch.set_num_threads(count)
        runs.append(outcome(neuron, x))
    for other in runs[1:]:
        assert_same(runs[0], other)
        for name, d in other.d_parameters.items():
            assert torch.equal(d, runs[0].d_parameters[name]), name
