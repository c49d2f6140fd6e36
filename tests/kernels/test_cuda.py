"""Triton kernels: run by Triton's interpreter on the CPU, and on a GPU where there is one, beside the step in torch."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import cuda
from snnctl.kernels.plan import Plan
from snnctl.kernels.program import Line, Program
from snnctl.kernels.trace import Untraceable, trace
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from tests.kernels.conventions import DT, POINTS, SHAPE, cases, drive, eager, neurons, ops, program_of, program_of_op

triton = pytest.importorskip("triton", reason="Triton is not installed: pip install 'snnctl[cuda]'")
pytestmark = [
    pytest.mark.usefixtures("folder"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton.runtime.interpreter"),  # numpy's, of 0 / 0
]
GPU = torch.cuda.is_available()


@pytest.fixture(scope="module", params=["interpreter", "gpu"] if GPU else ["interpreter"])
def device(request):
    """Where kernels run."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "interpreter":
            patch.setenv("TRITON_INTERPRET", "1")
        else:
            patch.delenv("TRITON_INTERPRET", raising=False)
        yield torch.device("cpu" if request.param == "interpreter" else "cuda")


def on(device, value):
    """A tensor, a NamedTuple or a number, there."""
    if isinstance(value, tuple):
        return type(value)(*(on(device, field) for field in value))
    return value.to(device) if isinstance(value, Tensor) else value


def both(device, neuron, x: Tensor, **options) -> list[dict[str, Tensor]]:
    """Results and gradients of the step in torch on the CPU, and of the kernel: x is given in its own strides."""
    program, found = program_of(neuron), []
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    for kernel in (False, True):
        neuron.zero_grad(set_to_none=True)
        leaf = x.detach().requires_grad_()
        place = device if kernel else torch.device("cpu")
        start = neuron.initial_state(x[0])
        start = type(start)(*(None if f is None else (f + 0.1).detach().requires_grad_() for f in start))
        coefs = on(place, neuron.coefficients(DT))
        given = leaf.to(place)
        if kernel:
            given = given.clone(memory_format=torch.preserve_format)
            out, end = cuda.scan(program, given, on(place, start), coefs, **options)
        else:
            out, end = eager(neuron, given, start, coefs)
        kept = {name: f.cpu() for name, f in end._asdict().items() if f is not None}
        loss = (out.cpu() * weights).sum() + sum((0.3 * f).sum() for f in kept.values() if f.requires_grad)
        loss.backward()
        leaves = {"x": leaf, **{f"initial {n}": f for n, f in start._asdict().items() if f is not None}}
        leaves |= dict(neuron.named_parameters())
        gradients = {f"gradient of {n}": torch.zeros_like(f) if f.grad is None else f.grad for n, f in leaves.items()}
        found.append({"out": out.detach().cpu(), **{n: f.detach() for n, f in kept.items()}, **gradients})
    return found


def assert_same(expected: dict[str, Tensor], got: dict[str, Tensor], gradients: float = 1e-5) -> None:
    """Outputs and states to the last bit, gradients within a part of the largest."""
    assert list(expected) == list(got)
    for name, value in expected.items():
        if name.startswith("gradient"):
            limit = gradients * (1 + value.abs().max())
            assert (got[name] - value).abs().max() <= limit, name
        else:
            assert torch.equal(got[name], value), name


@pytest.mark.parametrize("neuron", cases(), ids=lambda n: repr(n)[:70])
def test_every_convention_equals_eager(device, neuron):
    expected, got = both(device, neuron, drive(10, 2, *SHAPE))
    assert_same(expected, got)
    if neuron.spiking:
        assert 0.05 < expected["out"].mean() < 3


@st.composite
def inputs(draw) -> Tensor:
    """T, B and order of memory as they come."""
    steps, batch, seed = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(0, 99))
    x = drive(steps, batch, *SHAPE, seed=seed)
    order = draw(st.sampled_from(["time first", "batch first", "channels last", "every other", "constant"]))
    if order == "batch first":
        return x.transpose(0, 1).contiguous().transpose(0, 1)
    if order == "channels last":
        return x.transpose(2, 3).contiguous().transpose(2, 3)
    if order == "every other":
        return x.repeat_interleave(2, 3)[..., ::2]
    return x[:1].expand(x.shape) if order == "constant" else x


@settings(max_examples=25, deadline=None)
@given(neuron=neurons(), x=inputs(), overwrite=st.booleans())
def test_any_neuron_and_any_order_of_memory_equal_eager(device, neuron, x, overwrite):
    assert_same(*both(device, neuron, x, overwrite=overwrite))


@pytest.mark.parametrize("storage, tolerance", [("bfloat16", 5e-2), ("float16", 5e-3)])
@pytest.mark.parametrize("neuron", [LIF(tau_mem=5e-3), ALIF(learnable=["tau_mem"]), LIF(max_spikes=3)], ids=repr)
def test_half_storage_costs_accuracy_of_the_gradient_alone(device, neuron, storage, tolerance):
    expected, got = both(device, neuron, drive(8, 2, *SHAPE), storage=storage)
    assert_same(expected, got, math.inf)
    error = expected["gradient of x"] - got["gradient of x"]
    assert 0 < error.abs().mean() < tolerance * expected["gradient of x"].abs().mean()


def test_halves_beyond_the_range_are_kept_at_its_end(device):
    neuron, x = LIF(), torch.tensor([[[1e6, -1e6, 0.2]]], device=device, requires_grad=True)
    out, _ = cuda.scan(program_of(neuron), x, neuron.initial_state(x[0]), neuron.coefficients(DT), storage="float16")
    out.sum().backward()
    assert x.grad.isfinite().all() and x.grad[..., 2] > 0


def test_many_programs_share_the_neurons(device, monkeypatch):
    monkeypatch.setattr(cuda, "INTERPRETED", 4)
    monkeypatch.setattr(cuda, "MANY", 1)
    x = drive(5, 3, *SHAPE)
    neuron = LIF(tau_mem=5e-3, learnable=["tau_mem", "threshold"], per="channel", shape=SHAPE)
    for ordered in (x, x.transpose(0, 1).contiguous().transpose(0, 1)):
        assert_same(*both(device, neuron, ordered))


def run(device, neuron, x: Tensor, **options):
    start, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
    return cuda.scan(program_of(neuron), x.to(device), on(device, start), on(device, coefs), **options)


def test_gradients_of_a_sum_and_of_the_state_alone(device):
    neuron, gradients = LIF(tau_mem=5e-3), []
    for pick in (lambda out, after: out.sum(), lambda out, after: after.v.sum()):
        for place in (eager, None):
            x = drive(5, 2, 3).requires_grad_()
            start, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
            out, after = run(device, neuron, x) if place is None else eager(neuron, x, start, coefs)
            pick(out, after).cpu().backward()
            gradients.append(x.grad)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6) and gradients[0].any()
    assert torch.allclose(gradients[2], gradients[3], atol=1e-6) and gradients[2].any()


def test_backward_twice_gives_the_same_and_a_second_derivative_is_a_named_error(device):
    for neuron in (LIF(), LIF(learnable=["tau_mem"]), ALIF()):
        x = drive(5, 2, 3).to(device).requires_grad_()
        out, _ = run(device, neuron, x)
        (first,) = torch.autograd.grad(out.sum(), x, retain_graph=True)
        with pytest.raises(UserError, match="no second derivative"):
            torch.autograd.grad(out.sum(), x, create_graph=True)
        first = first.clone()
        (second,) = torch.autograd.grad(out.sum(), x)
        assert torch.equal(first, second) and first.any()


def test_without_gradients_the_output_takes_the_place_of_the_input_only_if_told(device):
    x = drive(5, 2, 3).to(device)
    before = x.clone()
    with torch.no_grad():
        out, _ = run(device, LIF(), x)
        assert torch.equal(x, before) and not out.requires_grad
        over, _ = run(device, LIF(), x, overwrite=True)
    assert over.data_ptr() == x.data_ptr() and torch.equal(over, out)
    assert not run(device, LIF(), before)[0].requires_grad


def test_an_empty_batch(device):
    x = torch.zeros(4, 0, 3, device=device, requires_grad=True)
    out, after = run(device, LIF(learnable=["tau_mem"]), x)
    out.sum().backward()
    assert out.shape == x.shape and after.v.shape == (0, 3) and x.grad.shape == x.shape


def test_the_output_lies_in_memory_as_the_input_does(device):
    for x, a, b in ((drive(4, 2, 3, 5, 2), 2, 4), (drive(4, 2, 3), 0, 1)):
        x = x.transpose(a, b).contiguous().transpose(a, b)
        assert run(device, LIF(), x)[0].stride() == x.stride()


@pytest.mark.parametrize("op", ops())
def test_every_op_is_what_torch_computes(device, op):
    program, expected = program_of_op(op)
    out, _ = cuda.scan(program, POINTS[None, None].to(device), LI.State(None), LI().coefficients(DT))
    torch.testing.assert_close(out.cpu()[0, 0], expected, rtol=1e-6, atol=1e-7, equal_nan=True)


def test_tanh_is_within_a_few_units_of_the_last_place(device):
    program = Program("Single", (), (), (Line("t0", "tanh", ("x",)),), "t0", (), None, (), ())
    x = torch.cat([torch.linspace(-20, 20, 5001), torch.logspace(-6, 0, 501), -torch.logspace(-6, 0, 501)]).to(device)
    found = cuda.scan(program, x[None, None], LI.State(None), LI().coefficients(DT))[0][0, 0].double()
    exact = x.double().tanh()
    assert ((found - exact).abs() / exact.abs().clamp(min=1e-30)).max() < 1e-6


def test_what_has_no_gradient_does_not_ask_for_one(device):
    class Hard(LIF):
        def step(self, x, state, coefs):
            v = coefs.decay * state.v + x
            return (v >= coefs.threshold).to(v.dtype), state._replace(v=v)

    out, after = run(device, Hard(), drive(5, 2, 3).to(device).requires_grad_())
    assert after.v.requires_grad and not out.requires_grad


CONSTANTS = [0.1, -0.1, 1e-40, -0.0, 3.4e38, 16777217.0, math.inf, -math.inf, math.nan]


def test_constants_are_the_floats_that_torch_makes_of_them(device):
    x = torch.full((1, 1, 3), 2.0, device=device)
    for value in CONSTANTS:
        program = Program("Constant", (), (), (Line("t0", "mul", (value, 0.1)),), "t0", (), None, (), ())
        out, _ = cuda.scan(program, x, LI.State(None), LI().coefficients(DT))
        torch.testing.assert_close(out.cpu(), torch.full((1, 1, 3), value) * 0.1, rtol=0, atol=0, equal_nan=True)
        program = Program("Constant", (), (), (), value, (), None, (), ())
        out, _ = cuda.scan(program, x, LI.State(None), LI().coefficients(DT))
        torch.testing.assert_close(out.cpu(), torch.full((1, 1, 3), value), rtol=0, atol=0, equal_nan=True)


def test_states_may_change_places_and_numbers_may_be_conditions(device):
    def step(x, state, coefs):
        return torch.where(x != 0, state.i, coefs.decay), CubaLIF.State(state.v, state.i + 1)

    start = CubaLIF.State(torch.zeros(1, 2), torch.ones(1, 2))
    program = trace(step, start, LI().coefficients(DT), "Swap")
    lines = tuple(line._replace(args=("x", *line.args[1:])) if line.op == "where" else line for line in program.lines)
    swapped = replace(program, lines=lines, d_x=None, d_states=(None, None), d_coefs=(None,))
    x = torch.tensor([1.0, 0.0])[:, None, None].expand(2, 1, 2).contiguous().to(device)
    out, after = cuda.scan(swapped, x, on(device, start), LI().coefficients(DT))
    decay = torch.tensor(LI().coefficients(DT).decay).item()
    assert out.flatten().tolist() == [0.0, 0.0, decay, decay]
    assert after.i.flatten().tolist() == [1.0, 1.0] and after.v.flatten().tolist() == [2.0, 2.0]


def test_an_unknown_op_names_the_neuron_and_the_op():
    program = Program("Erf", (), (), (Line("t0", "erf", ("x",)),), "t0", (), None, (), ())
    with pytest.raises(Untraceable, match=r"Erf\.step uses erf"):
        cuda.source(Plan(program, frozenset(), training=False))


def test_the_kernel_on_disk_is_checked_and_rewritten(device, folder):
    neuron, x = LIF(tau_mem=7e-3), drive(3, 1, 2)
    first, _ = run(device, neuron, x)
    files = list(folder.glob("LIF_*_cuda.py"))
    texts = [file.read_bytes() for file in files]
    assert files and not list(folder.glob("*.part"))
    for damage in (b"", b"\xff\x00", b"def forward(): raise SystemExit"):
        for file in files:
            file.write_bytes(damage)
        cuda._functions.cache_clear()
        assert torch.equal(run(device, neuron, x)[0], first)
    assert any(file.read_bytes() == text for file, text in zip(files, texts, strict=True))


def test_a_folder_that_cannot_be_written_is_not_needed(device, monkeypatch):
    monkeypatch.setattr(cuda, "kernel_folder", lambda: None)
    cuda._functions.cache_clear()
    neuron, x = LIF(), drive(4, 1, 3)
    expected, _ = eager(neuron, x, neuron.initial_state(x[0]), neuron.coefficients(DT))
    assert torch.equal(run(device, neuron, x)[0].cpu(), expected)
    cuda._functions.cache_clear()


def test_without_triton_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(UserError, match=r"pip install 'snnctl\[cuda\]'"):
        run("cpu", LIF(), drive(2, 1, 3))


def test_an_input_on_the_cpu_is_an_error(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(UserError, match="LIF: the cuda kernel got an input on cpu"):
        run("cpu", LIF(), drive(2, 1, 3))


@pytest.mark.skipif(not GPU, reason="no CUDA device here: kernels ran in Triton's interpreter alone")
def test_nothing_waits_for_the_gpu(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    neuron = LIF(learnable=["tau_mem", "threshold"]).cuda()
    x, program = drive(5, 2, 3).cuda().requires_grad_(), program_of(LIF())
    start, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
    for _ in range(2):  # the first one compiles
        out, _ = cuda.scan(program, x, start, coefs)
        out.sum().backward(retain_graph=True)
        torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")
