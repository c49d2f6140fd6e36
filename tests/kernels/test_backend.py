"""What runs a neuron, and why; one program for each neuron that computes the same, and no other."""

from __future__ import annotations

import warnings

import pytest
import torch

from snnctl.errors import UserError
from snnctl.kernels import backend as backends
from snnctl.kernels.backend import choose
from snnctl.neurons import ALIF, LI, LIF, ReLU
from snnctl.surrogates import FastSigmoid
from tests.kernels.bad_steps import Plain, Roll, State
from tests.kernels.conventions import DT, drive

X0 = torch.zeros(2, 3)


@pytest.mark.parametrize(
    "wanted, x, name, word",
    [
        ("eager", X0, "eager", "asked for"),
        ("auto", X0, "cpu", "traced"),
        ("cpu", X0, "cpu", "traced"),
        ("auto", X0.double(), "eager", "float64"),
        ("auto", torch.zeros(2, 0), "eager", "nothing"),
        ("cpu", torch.zeros(2, 0), "eager", "nothing"),
        ("auto", X0.to("meta"), "eager", "meta"),
        ("cpu", X0.to("meta"), "eager", "meta"),
        ("auto", X0.half(), "cpu", "traced"),
        ("auto", X0.int(), "cpu", "traced"),
    ],
)
def test_the_choice_and_its_reason(wanted, x, name, word):
    choice = choose(wanted, x)
    assert choice.name == name and word in choice.why
    assert LIF(backend=wanted).runs_on(x, DT) == choice


@pytest.mark.parametrize("wanted, x, word", [("cuda", X0, "cpu"), ("cpu", X0.double(), "float64")])
def test_a_kernel_that_cannot_run_is_an_error(wanted, x, word):
    with pytest.raises(UserError, match=f"backend {wanted} cannot run.*{word}") as error:
        choose(wanted, x)
    assert "backend=auto" in error.value.hint


def test_inside_a_transform_the_reference_runs():
    seen = []
    torch.func.vmap(lambda x: seen.append(choose("auto", x)) or x)(X0)
    assert seen[0].name == "eager" and "torch.func" in seen[0].why


def test_an_unknown_backend_is_an_error():
    with pytest.raises(UserError, match="backend is 'gpu'"):
        LIF(backend="gpu")


def test_a_step_that_cannot_be_traced_is_told():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        choice = Roll().runs_on(X0, DT)
    assert choice.name == "eager" and "traced" in choice.why
    with pytest.raises(UserError, match=r"Roll\.step"):
        Roll(backend="cpu").runs_on(X0, DT)


def test_relu_is_said_to_run_in_torch_where_it_does():
    assert ReLU().runs_on(X0, DT).name == "eager"


def program(neuron, dt=DT):
    return neuron.program(neuron.initial_state(X0), neuron.coefficients(dt))


def test_neurons_that_compute_the_same_share_a_program():
    one = program(LIF())
    for other in (LIF(), LIF(tau_mem=7e-3), LIF(threshold=0.3), LIF(learnable=["tau_mem"]), LIF(refractory=0.0)):
        assert program(other) is one
    assert program(LIF(), 2e-3) is one


def test_neurons_that_compute_something_else_do_not():
    kinds = [
        LIF(), LI(), ALIF(), LIF(fire="gt"), LIF(reset="zero"), LIF(v_rest=0.1), LIF(refractory=1e-3),
        LIF(surrogate=FastSigmoid()), LIF(surrogate=FastSigmoid(5.0)), LIF(max_spikes=None), LIF(input_gain=0.5),
    ]  # fmt: skip
    assert len({id(program(kind)) for kind in kinds}) == len(kinds)


class Public(Plain):
    def __init__(self, gain):
        super().__init__()
        self.gain = gain

    def step(self, x, state, coefs):
        v = coefs.k * state.v + x * self.gain
        return v, State(v)


class Private(Plain):
    def __init__(self, gain):
        super().__init__()
        self._gain = gain

    def step(self, x, state, coefs):
        v = coefs.k * state.v + x * self._gain
        return v, State(v)


class Listed(Plain):
    def __init__(self, gain):
        super().__init__()
        self.gains = [gain]

    def step(self, x, state, coefs):
        v = coefs.k * state.v + x * self.gains[0]
        return v, State(v)


class InTraining(Plain):
    def step(self, x, state, coefs):
        v = coefs.k * state.v + (2 * x if self.training else x)
        return v, State(v)


@pytest.mark.parametrize("kind", [Public, Private, Listed], ids=lambda kind: kind.__name__)
def test_an_attribute_that_the_step_uses_is_part_of_the_program(kind):
    x = drive(4, 2, 3)
    for gain in (1.0, 3.0, 1.0):
        neuron = kind(gain)
        expected = neuron.trace(x, dt=DT)[0]
        assert torch.equal(neuron(x, dt=DT)[0], expected)


def test_an_attribute_may_change():
    x, public, listed = drive(4, 2, 3), Public(1.0), Listed(1.0)
    for gain in (1.0, 2.0, 5.0):
        public.gain = listed.gains[0] = gain
        for neuron in (public, listed):
            assert torch.equal(neuron(x, dt=DT)[0], neuron.trace(x, dt=DT)[0]), type(neuron).__name__


def test_training_and_evaluation_may_differ():
    neuron, x = InTraining(), drive(4, 2, 3)
    for mode in (True, False, True):
        neuron.train(mode)
        assert torch.equal(neuron(x, dt=DT)[0], neuron.trace(x, dt=DT)[0])


def test_what_failed_under_another_default_does_not_stay_failed():
    class Again(Plain):
        pass

    torch.set_default_dtype(torch.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Again()(drive(3, 2, 3).float(), dt=DT)
    finally:
        torch.set_default_dtype(torch.float32)
    assert Again().runs_on(X0, DT).name == "cpu"


def test_a_step_is_traced_once(monkeypatch):
    calls, trace = [], backends.trace
    monkeypatch.setattr(backends, "trace", lambda *a: calls.append(a) or trace(*a))
    monkeypatch.setattr(backends, "_programs", {})
    for _ in range(3):
        for neuron in (LIF(threshold=0.321), LIF(threshold=0.321)):
            neuron(drive(2, 2, 3), dt=DT)
    assert len(calls) == 1
