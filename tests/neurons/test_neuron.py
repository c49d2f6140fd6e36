"""What the base gives every neuron: runs over time, states, parameters, dtypes, devices, pickling."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF, Neuron, ReLU

DT = 1e-3
EVERYTHING = {"reset_delay": True, "refractory": 2e-3, "max_spikes": None}
ZOO = [
    IF(), LIF(), CubaLIF(), ALIF(), LI(), ReLU(), IF(**EVERYTHING), LIF(**EVERYTHING), CubaLIF(**EVERYTHING),
    ALIF(**EVERYTHING), LIF(learnable=["tau_mem", "threshold"], per="neuron", shape=(4,), v_rest=0.1),
    CubaLIF(tau_syn=[2e-3, 4e-3, 6e-3, 8e-3], per="neuron", shape=(4,), input_gain="1-decay"),
]  # fmt: skip


def label(neuron: Neuron) -> str:
    return repr(neuron)[:60]


@pytest.fixture(params=ZOO, ids=label)
def neuron(request) -> Neuron:
    return copy.deepcopy(request.param)


def drive(*shape: int, **options) -> torch.Tensor:
    return 0.8 * torch.rand(*shape, generator=torch.Generator().manual_seed(1), **options)


def same(one, other) -> bool:
    """Of two states."""
    return all((a is None and b is None) or torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_sequence_may_be_split(neuron):
    x = drive(50, 3, 4)
    whole, end = neuron(x, dt=DT)
    first, state = neuron(x[:17], dt=DT)
    second, state = neuron(x[17:], state, dt=DT)
    assert torch.equal(whole, torch.cat([first, second])) and same(end, state)
    assert whole.abs().sum() > 0


def test_a_sequence_is_its_steps(neuron):
    x = drive(20, 3, 4)
    whole, end = neuron(x, dt=DT)
    coefs, state, outs = neuron.coefficients(DT), neuron.initial_state(x[0]), []
    for x_t in x:
        out, state = neuron.step(x_t, state, coefs)
        outs.append(out)
    assert torch.equal(whole, torch.stack(outs)) and same(end, state)


def test_nothing_is_left_over_from_another_call(neuron):
    x = drive(20, 3, 4)
    first, _ = neuron(x, dt=DT)
    neuron(drive(5, 7, 4), dt=DT)
    assert torch.equal(first, neuron(x, dt=DT)[0])


def test_a_result_does_not_depend_on_the_rest_of_the_batch(neuron):
    x = drive(20, 5, 4)
    assert torch.equal(neuron(x, dt=DT)[0][:, 2:3], neuron(x[:, 2:3], dt=DT)[0])


def test_trace_records_every_field(neuron):
    x = drive(20, 3, 4)
    out, state, traces = neuron.trace(x, dt=DT)
    assert torch.equal(out, neuron(x, dt=DT)[0])
    assert list(traces) == [name for name in state._fields if getattr(state, name) is not None]
    for name, trace in traces.items():
        assert trace.shape == (20, 3, 4) and torch.equal(trace[-1], getattr(state, name))


@pytest.mark.parametrize("shape", [(1, 1, 4), (1, 3, 4), (7, 1, 4), (3, 0, 4)])
def test_odd_sizes(neuron, shape):
    out, state = neuron(drive(*shape), dt=DT)
    assert out.shape == shape
    assert all(field is None or field.shape == shape[1:] for field in state)


@pytest.mark.parametrize(
    "dtype, state_dtype",
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
    ids=str,
)
def test_the_output_has_the_dtype_of_the_input(neuron, dtype, state_dtype):
    x = drive(20, 3, 4).to(dtype).requires_grad_()
    out, state = neuron(x, dt=DT)
    assert out.dtype == dtype and all(field is None or field.dtype == state_dtype for field in state)
    out.sum().backward()
    assert x.grad.dtype == dtype
    if neuron.spiking:  # computed in float32, cast at the end
        assert torch.equal(out.float(), neuron(x.detach().to(state_dtype), dt=DT)[0].float())


def test_whole_numbers_are_taken_as_input():
    out, _ = IF(threshold=3.0)(torch.ones(6, 1, 2, dtype=torch.uint8), dt=DT)
    assert out.dtype == torch.float32 and out[:, 0, 0].tolist() == [0, 0, 1, 0, 0, 1]


def test_under_cpu_autocast(neuron):
    linear = torch.nn.Linear(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, state = neuron(linear(drive(20, 3, 4)), dt=DT)
    assert out.dtype == torch.bfloat16 and all(field is None or field.dtype == torch.float32 for field in state)


def test_without_gradients(neuron):
    x = drive(20, 3, 4, requires_grad=True)
    with torch.no_grad():
        out, _ = neuron(x, dt=DT)
    assert not out.requires_grad and torch.equal(out, neuron(x, dt=DT)[0].detach())


def test_copies_give_the_same(neuron):
    x = drive(20, 3, 4)
    expected, _ = neuron(x, dt=DT)
    for copied in (copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
        assert repr(copied) == repr(neuron)
        assert torch.equal(copied(x, dt=DT)[0], expected)


def test_states_survive_pickle(neuron):
    _, state = neuron(drive(5, 3, 4), dt=DT)
    again = pickle.loads(pickle.dumps(state))
    assert type(again) is type(state) and same(again, state)


def test_on_the_meta_device(neuron):
    moved = neuron.to("meta")
    out, state = moved(torch.empty(20, 3, 4, device="meta"), dt=DT)
    assert out.shape == (20, 3, 4) and out.is_meta and all(field is None or field.is_meta for field in state)
    assert "(" in repr(moved)


def test_built_on_the_meta_device():
    with torch.device("meta"):
        neuron = LIF(tau_mem=[10e-3, 20e-3], learnable=["threshold"], per="channel", shape=(2, 3, 3))
    assert neuron.tau_mem.is_meta and neuron.threshold.is_meta and neuron.threshold.shape == (2, 1, 1)
    with pytest.raises(UserError, match=r"tau_mem is 0.01 s"):
        neuron.coefficients(1.0)


@pytest.mark.parametrize("per, shape", [("layer", ()), ("channel", (3, 1, 1)), ("neuron", (3, 2, 2))])
def test_learned_parameters(per, shape):
    neuron = ALIF(learnable=["tau_mem", "tau_adapt", "threshold", "beta"], per=per, shape=(3, 2, 2))
    assert sorted(neuron.state_dict()) == ["beta", "log_tau_adapt", "log_tau_mem", "threshold"]
    assert all(p.shape == shape for p in neuron.parameters())
    assert torch.allclose(neuron.tau_mem, torch.full(shape, 20e-3)) and neuron.threshold.unique().tolist() == [1.0]
    neuron(drive(30, 5, 3, 2, 2), dt=DT)[0].sum().backward()
    for name, parameter in neuron.named_parameters():
        assert parameter.grad.isfinite().all() and (parameter.grad != 0).all(), name


def test_fixed_lists_are_buffers_and_move_with_the_module():
    neuron = LIF(threshold=torch.tensor([1.0, 2.0, 0.5]), per="channel", shape=(3, 2, 2))
    assert list(neuron.parameters()) == [] and list(neuron.state_dict()) == ["threshold"]
    assert neuron.threshold.shape == (3, 1, 1) and neuron.double().threshold.dtype == torch.float64
    s, _ = IF(threshold=[1.0, 2.0, 0.5], per="channel", shape=(3, 2, 2))(torch.ones(4, 1, 3, 2, 2), dt=DT)
    assert s.sum((0, 1, 3, 4)).tolist() == [16, 8, 16]


def test_a_list_per_neuron_needs_no_shape():
    s, _ = IF(threshold=[1.0, 2.0, 4.0], per="neuron")(torch.ones(4, 1, 3), dt=DT)
    assert s.sum((0, 1)).tolist() == [4, 2, 1]


def test_state_dict_round_trip():
    options = {"tau_mem": [5e-3, 40e-3], "learnable": ["tau_mem", "v_rest"], "per": "channel", "shape": (2, 3)}
    neuron, other = LIF(**options), LIF(**{**options, "tau_mem": 10e-3})
    x = drive(50, 4, 2, 3)
    assert not torch.equal(neuron(x, dt=DT)[0], other(x, dt=DT)[0])
    other.load_state_dict(neuron.state_dict(), strict=True)
    assert torch.equal(neuron(x, dt=DT)[0], other(x, dt=DT)[0])


class Counted(LIF):
    """Says each time it works its coefficients out."""

    def __init__(self, **options):
        super().__init__(**options)
        self.asked = []

    def coefficients(self, dt):
        self.asked.append(dt)
        return super().coefficients(dt)


class Plain(LIF):
    asked = []

    def coefficients(self, dt):
        Plain.asked.append(dt)
        return super().coefficients(dt)


def test_coefficients_that_cannot_change_are_worked_out_once():
    Plain.asked.clear()
    neuron, x = Plain(), drive(6, 2, 4)
    outs = [neuron(x, dt=DT) for _ in range(3)]
    assert Plain.asked == [DT]
    assert all(torch.equal(out, outs[0][0]) and same(state, outs[0][1]) for out, state in outs)
    assert same(neuron(x, dt=2 * DT)[1], LIF()(x, dt=2 * DT)[1])
    assert Plain.asked == [DT, 2 * DT]
    again = copy.deepcopy(neuron)
    again.tau_mem = 5e-3
    assert same(again(x, dt=DT)[1], LIF(tau_mem=5e-3)(x, dt=DT)[1])
    assert same(neuron(x, dt=DT)[1], LIF()(x, dt=DT)[1])


@pytest.mark.parametrize("change", [{"tau_mem": 5e-3}, {"threshold": 0.5}, {"reset": "zero"}, {"input_gain": 0.3}])
def test_a_changed_attribute_counts_at_the_next_call(change):
    neuron, x = LIF(), drive(9, 2, 4)
    neuron(x, dt=DT)
    for name, value in change.items():
        setattr(neuron, name, value)
    out, state = neuron(x, dt=DT)
    fresh, end = LIF(**change)(x, dt=DT)
    assert torch.equal(out, fresh) and same(state, end)
    assert not same(state, LIF()(x, dt=DT)[1])


def test_an_attribute_that_may_change_unseen_is_read_at_every_call():
    neuron, x = Counted(), drive(3, 2, 4)
    for _ in range(3):
        neuron(x, dt=DT)
    assert len(neuron.asked) == 3  # `asked` is a list


@pytest.mark.parametrize("options", [{"learnable": "tau_mem"}, {"tau_mem": [5e-3] * 4, "per": "neuron"}], ids=str)
def test_loaded_values_count_at_the_next_call(options):
    neuron, x = LIF(shape=(4,), **options), drive(9, 2, 4)
    before = neuron(x, dt=DT)[1]
    other = LIF(shape=(4,), **{**options, "tau_mem": 50e-3 if "learnable" in options else [50e-3] * 4})
    neuron.load_state_dict(other.state_dict())
    assert same(neuron(x, dt=DT)[1], other(x, dt=DT)[1]) and not same(neuron(x, dt=DT)[1], before)


def test_a_number_that_becomes_a_parameter_counts_at_the_next_call():
    neuron, x = LIF(), drive(9, 2, 4)
    neuron(x, dt=DT)
    del neuron.threshold
    neuron.register_parameter("threshold", torch.nn.Parameter(torch.tensor(0.4)))
    out, state = neuron(x, dt=DT)
    assert same(state, LIF(threshold=0.4)(x, dt=DT)[1])
    out.sum().backward()
    assert neuron.threshold.grad is not None


def test_an_optimizer_step_keeps_a_time_constant_above_zero():
    neuron = LI(learnable="tau_mem")
    neuron(drive(30, 2, 3), dt=DT)[0].sum().backward()
    torch.optim.SGD(neuron.parameters(), lr=20 / neuron.log_tau_mem.grad.item()).step()
    assert neuron.tau_mem.item() == pytest.approx(20e-3 * math.exp(-20), rel=1e-5)  # in s it would be 20 ms - 20 s


@pytest.mark.parametrize(
    "options, problem, hint",
    [
        ({"tau_mem": [0.01, 0.02]}, "tau_mem has 2 values, but per is layer", "per: channel"),
        (
            {"tau_mem": [0.01, 0.02, 0.03], "per": "channel", "shape": (2, 4, 4)},
            "3 values for 2 channels",
            "a list of 2",
        ),
        ({"tau_mem": [0.01, 0.02], "per": "neuron", "shape": (2, 4)}, "2 values for 8 neurons", "a list of 8"),
        ({"learnable": ["tau_mem"], "per": "neuron"}, "needs the layer's shape", "shape="),
        ({"tau_mem": None}, "tau_mem is None", "a number"),
        ({"tau_mem": True}, "tau_mem is True", "a number"),
        ({"tau_mem": []}, "tau_mem is empty", "range"),
        ({"per": "chanel"}, "per is 'chanel'", "channel"),
        ({"learnable": ["threshold"]}, "no parameter 'threshold'", "tau_mem, v_rest"),
    ],
    ids=str,
)
def test_wrong_parameters_are_named(options, problem, hint):
    with pytest.raises(UserError) as error:
        LI(**options)
    assert problem in error.value.problem and hint in error.value.hint


@pytest.mark.parametrize("shape", [(), (5,), (0, 2, 3)])
def test_an_input_without_time_or_batch_is_named(neuron, shape):
    with pytest.raises(UserError, match="input of shape") as error:
        neuron(torch.zeros(shape), dt=DT)
    assert "(T, B, ...)" in error.value.hint


def test_a_state_of_other_samples_is_named():
    _, state = LIF()(drive(2, 3, 4), dt=DT)
    with pytest.raises(UserError, match="state of a batch of 3 given with a batch of 5"):
        LIF()(drive(2, 5, 4), state, dt=DT)
    with pytest.raises(UserError, match="CubaLIF: state is a LIFState") as error:
        CubaLIF()(drive(2, 3, 4), state, dt=DT)
    assert "CubaLIFState" in error.value.hint


def test_a_state_may_leave_out_what_starts_at_rest():
    neuron = LIF(**EVERYTHING)
    x = drive(20, 3, 4)
    out, state = neuron(x, LIF.State(torch.zeros(3, 4)), dt=DT)
    expected, end = neuron(x, dt=DT)
    assert torch.equal(out, expected) and same(state, end)


def test_an_input_of_another_shape_than_built_for_is_named():
    with pytest.raises(UserError, match=r"input of shape \(2, 3, 5\)"):
        LIF(learnable="tau_mem", per="neuron", shape=(4,))(drive(2, 3, 5), dt=DT)


def test_batch_major_input_is_taken_as_a_view():
    x = drive(3, 20, 4)
    assert torch.equal(LIF()(x.transpose(0, 1), dt=DT)[0], LIF()(x.transpose(0, 1).contiguous(), dt=DT)[0])


def test_an_input_constant_in_time_needs_no_copy():
    x = drive(1, 3, 4)
    out, state = LIF()(x.expand(20, 3, 4), dt=DT)
    assert torch.equal(out, LIF()(x.repeat(20, 1, 1), dt=DT)[0]) and state.v.stride() == (4, 1)


def test_channels_last_maps():
    x = drive(10, 2, 3, 4, 5)
    last = x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (10, 2)).requires_grad_()
    out, state = LIF()(last, dt=DT)
    assert torch.equal(out, LIF()(x, dt=DT)[0])
    assert state.v.is_contiguous(memory_format=torch.channels_last)
    out.sum().backward()
    reference = x.clone().requires_grad_()
    LIF()(reference, dt=DT)[0].sum().backward()
    assert torch.equal(last.grad, reference.grad)


def test_repr_says_what_differs_from_the_defaults():
    text = repr(LIF(tau_mem=10e-3, reset="zero", learnable=["threshold"], per="neuron", shape=(4,)))
    assert text == (
        "LIF(tau_mem=0.01, v_rest=0, threshold=1..1 (4,) learnable, v_reset=0, reset=zero, per=neuron, shape=(4,))"
    )


def test_a_neuron_in_a_file_of_its_own():
    from typing import NamedTuple

    class Kept(NamedTuple):
        v: torch.Tensor

    class Drift(NamedTuple):
        gain: float

    class Quadratic(Neuron):
        def __init__(self, *, sharpness: float = 0.5, **conventions):
            super().__init__(**conventions)
            self.sharpness = sharpness

        State = Kept

        def coefficients(self, dt):
            self.check_step(dt)
            return Drift(dt * self.sharpness)

        def initial_state(self, x0):
            return Kept(torch.zeros_like(x0))

        def step(self, x, state, coefs):
            v = state.v + coefs.gain * state.v**2 + x
            return v, Kept(v)

    out, _ = Quadratic(sharpness=1000.0)(torch.tensor([1.0, 0.0, 1.0]).view(3, 1, 1), dt=1e-3)
    assert out.flatten().tolist() == [1.0, 2.0, 7.0]
    assert list(Quadratic.__signature__.parameters) == ["sharpness", "learnable", "per", "shape", "backend"]
    assert Quadratic().runs_on(torch.zeros(1, 1), 1e-3).name == "cpu"


def test_importing_neurons_imports_nothing_heavy():
    code = (
        "import sys, snnctl.neurons; "
        "print([m for m in ('lightning', 'hydra', 'omegaconf', 'tonic', 'numba', 'torchmetrics') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
