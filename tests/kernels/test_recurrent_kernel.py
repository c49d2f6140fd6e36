"""Recurrent kernels beside the layer run step by step: sparse and dense, across the borders of chunks."""

from __future__ import annotations

import copy
from functools import partial
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snnctl.errors import UserError
from snnctl.kernels import gather, products, recurrent, threads
from snnctl.kernels.recurrent import recurrent_scan, weight_gradient
from snnctl.networks import AllToAll, OneToOne, Recurrent
from snnctl.networks.recurrent import RecurrentState
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from tests.kernels.against_eager import DT, close
from tests.kernels.sequences import WAYS, memory

NEURONS = {
    "if": partial(IF, threshold=0.8), "lif": partial(LIF, tau_mem=5e-3, threshold=0.8),
    "cuba": partial(CubaLIF, tau_mem=5e-3, threshold=0.9),
    "alif": partial(ALIF, tau_mem=5e-3, threshold=0.6, learnable=["beta", "tau_mem"], per="neuron"),
    "many": partial(LIF, reset_delay=True, refractory=2e-3, max_spikes=None, fire="gt", v_rest=0.1, threshold=0.7),
    "learned": partial(LIF, tau_mem=5e-3, threshold=0.8, learnable=["tau_mem", "threshold", "v_rest"]),
}  # fmt: skip


def layer(neuron="lif", shape=(8,), **feedback) -> Recurrent:
    torch.manual_seed(0)
    built = Recurrent(NEURONS[neuron], shape=shape, feedback=partial(AllToAll, init="normal", **feedback))
    if built.feedback.bias is not None:
        torch.nn.init.normal_(built.feedback.bias, std=0.1)
    return built


def drive(*shape: int, high: float = 0.9, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * (high + 0.1) - 0.1


class Outcome(NamedTuple):
    out: Tensor
    states: list[Tensor]
    grads: dict[str, Tensor | None]


def outcome(module: Recurrent, x: Tensor, state: RecurrentState | None = None, backend: str = "cpu") -> Outcome:
    module = copy.deepcopy(module)
    module.neuron.backend = backend
    leaves = {"x": x.detach().requires_grad_()}
    if state is not None:
        neuron = {n: s.detach().clone().requires_grad_() for n, s in state.neuron._asdict().items() if s is not None}
        leaves |= {"before": state.out.detach().clone().requires_grad_(), **neuron}
        state = RecurrentState(state.neuron._replace(**neuron), leaves["before"])
    out, after = module(leaves["x"], state, dt=DT)
    states = [s for s in (*after.neuron, after.out) if s is not None]
    generator = torch.Generator().manual_seed(7)
    total = (out * torch.randn(out.shape, generator=generator)).sum()
    for s in after.neuron:
        if s is not None and s.requires_grad:
            total = total + (s * torch.randn(s.shape, generator=generator)).sum()
    total.backward()
    grads = {name: leaf.grad for name, leaf in leaves.items()} | {n: p.grad for n, p in module.named_parameters()}
    return Outcome(out.detach(), [s.detach() for s in states], grads)


def assert_same(found: Outcome, expected: Outcome, relative: float = 2e-5) -> None:
    assert torch.equal(found.out, expected.out), "spikes"
    for a, b in zip(found.states, expected.states, strict=True):
        close(a, b, "state", relative)
    assert found.grads.keys() == expected.grads.keys()
    for name, d in found.grads.items():
        close(d, expected.grads[name], f"gradient of {name}", relative)


@pytest.fixture(autouse=True)
def own_number_of_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("high, low_rate, high_rate", [(0.9, 0.02, 2.0), (4.0, 0.5, 9.0)], ids=["sparse", "dense"])
def test_it_is_the_layer_step_by_step(neuron, high, low_rate, high_rate):
    module, x = layer(neuron, bias=True), drive(40, 5, 8, high=high)
    found = outcome(module, x)
    assert low_rate < found.out.mean() < high_rate
    assert_same(found, outcome(module, x, backend="eager"))


@settings(max_examples=50, deadline=None)
@given(
    neuron=st.sampled_from(["lif", "many", "learned"]), steps=st.integers(1, 9), batch=st.integers(1, 4),
    shape=st.sampled_from([(1,), (5,), (2, 3), (2, 2, 2)]), how=st.sampled_from(WAYS), bias=st.booleans(),
    autapses=st.booleans(), parts=st.integers(1, 3), high=st.sampled_from([0.9, 4.0]),
)  # fmt: skip
def test_any_input_in_any_layout(neuron, steps, batch, shape, how, bias, autapses, parts, high):
    module = layer(neuron, shape, bias=bias, autapses=autapses)
    x = memory(drive(steps, batch, *shape, high=high), how)
    expected = outcome(module, x, backend="eager")
    torch.set_num_threads(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "ALONE", 0)
        assert_same(outcome(module, x), expected)


@pytest.mark.parametrize("batch", [1, 3, 4, 5, 16, 17, 33])
def test_borders_of_groups_of_samples(batch, monkeypatch):
    monkeypatch.setattr(recurrent, "TOGETHER", 0)  # the fewest in a group
    module, x = layer(bias=True), drive(12, batch, 8, high=1.2)
    assert_same(outcome(module, x), outcome(module, x, backend="eager"))


def test_rates_that_change_over_time_and_outputs_before_that_are_no_spikes():
    module = layer()
    x = torch.cat([drive(32, 5, 8, high=0.1), drive(32, 5, 8, high=4.0), drive(40, 5, 8, high=0.1)])
    state = RecurrentState(module.neuron.initial_state(x[0]), drive(5, 8, high=0.7))
    found = outcome(module, x, state)
    rates = found.out.unflatten(0, (-1, 8)).mean((1, 2, 3))
    assert rates[:4].max() < gather.DENSE < rates[4:8].mean()  # few rows, then all of them
    assert_same(found, outcome(module, x, state, backend="eager"))
    assert found.grads["before"].any()


def test_a_sequence_may_be_split():
    module, x = layer("many", bias=True), drive(40, 3, 8)
    whole, end = module(x, dt=DT)
    first, between = module(x[:17], dt=DT)
    second, after = module(x[17:], between, dt=DT)
    assert torch.equal(torch.cat([first, second]), whole) and torch.equal(after.out, end.out)
    for a, b in zip(after.neuron, end.neuron, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


def test_without_autapses_the_diagonal_learns_nothing():
    grads = outcome(layer(autapses=False), drive(20, 3, 8)).grads
    assert not grads["feedback.weight"].diagonal().any() and grads["feedback.weight"].any()


@settings(max_examples=40, deadline=None)
@given(
    steps=st.integers(1, 6), batch=st.integers(1, 4), n=st.integers(1, 9), rate=st.floats(0, 1), top=st.integers(1, 3),
    block=st.sampled_from([1, 300, products.BLOCK]),
)  # fmt: skip
def test_the_gradient_of_the_weights(steps, batch, n, rate, top, block):
    generator = torch.Generator().manual_seed(steps)
    counts = torch.randint(1, top + 1, (steps, batch, n), generator=generator)
    out = (torch.rand(steps, batch, n, generator=generator) < rate) * counts
    before = (torch.rand(batch, n, generator=generator) < rate) * 0.3
    d_x = torch.randn(steps, batch, n, generator=generator)
    shifted = torch.cat([before[None], out[:-1].float()])
    expected = torch.einsum("tbi,tbj->ij", d_x.double(), shifted.double()).float()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "BLOCK", block)
        for ones in (False, True) if top == 1 else (False,):
            found = weight_gradient(out.float(), before, d_x, ones)
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("high, low_rate, high_rate", [(0.5, 0.02, 0.4), (4.0, 0.5, 1.0)], ids=["sparse", "dense"])
def test_the_same_bits_every_time_and_with_any_number_of_threads(high, low_rate, high_rate):
    module, x = layer("learned", (96,)), drive(70, 40, 96, high=high)
    runs = []
    for count in (1, 2, 3, 1, 2):
        torch.set_num_threads(count)
        runs.append(outcome(module, x))
    assert low_rate < runs[0].out.mean() < high_rate
    for other in runs[1:]:
        assert torch.equal(other.out, runs[0].out)
        for name, d in other.grads.items():
            assert torch.equal(d, runs[0].grads[name]), name


def test_a_second_backward_pass_gives_the_same_again():
    module, x = layer("learned", bias=True), drive(9, 3, 8).requires_grad_()
    out, _ = module(x, dt=DT)
    wanted = [x, *module.parameters()]
    first, second, third = (torch.autograd.grad(out.sum(), wanted, retain_graph=keep) for keep in (True, True, False))
    for a, b, c in zip(first, second, third, strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)


@pytest.mark.parametrize("used", ["state", "last output", "sum"])
def test_what_of_the_result_is_used(used):
    grads = []
    for backend in ("cpu", "eager"):
        module, x = layer("learned"), drive(12, 3, 8).requires_grad_()
        module.neuron.backend = backend
        out, state = module(x, dt=DT)
        {"state": state.neuron.v, "last output": state.out, "sum": out}[used].sum().backward()
        grads.append([x.grad, *(p.grad for p in module.parameters())])
    for a, b in zip(*grads, strict=True):
        close(a, b, used, 2e-5)


@pytest.mark.parametrize("storage, bound", [("bfloat16", 0.03), ("float16", 0.005)])
@pytest.mark.parametrize("neuron", ["lif", "learned"])
def test_halves_cost_accuracy_of_the_gradient_alone(neuron, storage, bound):
    module, x = layer(neuron), drive(20, 3, 8).requires_grad_()
    state, coefs = module.neuron.initial_state(x[0]), module.neuron.coefficients(DT)
    given_ = module.neuron.program(state, coefs), x, torch.zeros(3, 8), state, coefs, module.feedback.weight
    full, _ = recurrent_scan(*given_)
    half, _ = recurrent_scan(*given_, storage=storage)
    assert torch.equal(full, half)
    wanted = [x, module.feedback.weight, *module.neuron.parameters()]
    weights = drive(20, 3, 8, seed=4)
    for a, b in zip(*(torch.autograd.grad((o * weights).sum(), wanted, retain_graph=True) for o in (full, half)),
                    strict=True):  # fmt: skip
        assert (a - b).norm() <= bound * a.norm()


@pytest.mark.parametrize("inside", [False, True], ids=["backward outside", "backward inside"])
def test_under_autocast(inside):
    module, x = layer("learned", bias=True), drive(12, 3, 8)
    expected = outcome(module, x)
    leaf = x.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = module(leaf, dt=DT)
        if inside:
            out.sum().backward()
    if not inside:
        out.sum().backward()
    assert torch.equal(out, expected.out) and leaf.grad.any()
    assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_weights_of_another_precision(dtype):
    module, x = layer(bias=True).to(dtype), drive(12, 3, 8)
    out, _ = module(x, dt=DT)
    module.neuron.backend = "eager"
    assert (out != module(x, dt=DT)[0]).float().mean() < 0.15


def test_an_input_that_does_not_fit_is_an_error_and_not_read_past_its_end():
    module = layer()
    with pytest.raises((UserError, RuntimeError)):
        module(drive(5, 3, 4), dt=DT)


def test_a_state_of_other_samples_is_an_error():
    module = layer()
    _, state = module(drive(5, 6, 8), dt=DT)
    with pytest.raises((UserError, RuntimeError)):
        module(drive(5, 3, 8), state, dt=DT)


def test_a_second_derivative_is_an_error_that_names_the_backend():
    x = drive(5, 2, 8).requires_grad_()
    out, _ = layer()(x, dt=DT)
    with pytest.raises(UserError, match="second derivative"):
        torch.autograd.grad(out.sum(), x, create_graph=True)


def test_what_runs_it_and_why():
    x0 = drive(3, 8)
    assert layer().runs_on(x0, DT).name == "cpu"
    for module, word in [
        (Recurrent(NEURONS["lif"], (8,), OneToOne), "OneToOne"), (Recurrent(LI, (8,)), "no spikes"),
        (Recurrent(torch.nn.ReLU, (8,)), "activation"), (Recurrent(partial(LIF, backend="eager"), (8,)), "asked for"),
    ]:  # fmt: skip
        choice = module.runs_on(x0, DT)
        assert choice.name == "eager" and word in choice.why
    hooked = layer()
    hooked.feedback.register_forward_hook(lambda *_: None)
    assert hooked.runs_on(x0, DT).name == "eager"


def test_asking_what_runs_it_makes_no_state_for_the_whole_sequence(monkeypatch):
    module, shapes = layer(), []
    initial_state = LIF.initial_state
    monkeypatch.setattr(LIF, "initial_state", lambda self, x0: shapes.append(x0.shape) or initial_state(self, x0))
    module(drive(5, 3, 8), dt=DT)
    assert set(shapes) == {(3, 8)}
