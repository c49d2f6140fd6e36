"""Gradients: the smooth step against finite differences, the real spike against recursions written by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from snnctl.surrogates import ATan, FastSigmoid, Sigmoid, SingleExponential, Triangle
from tests.surrogates.smooth import Smooth

DT = 1e-3


def drive(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


CASES = [
    (IF, {}),
    (IF, {"reset": "value", "v_reset": 0.2, "learnable": ["threshold", "v_reset"]}),
    (LIF, {"learnable": ["tau_mem", "threshold", "v_rest"]}),
    (LIF, {"decay": "euler", "input_gain": "dt/tau", "learnable": ["tau_mem"]}),
    (LIF, {"input_gain": "1-decay", "reset": "zero", "learnable": ["tau_mem"]}),
    (LIF, {"reset": "value", "v_reset": -0.1, "learnable": ["v_reset", "v_rest", "tau_mem"]}),
    (LIF, {"reset": "none", "learnable": ["threshold"]}),
    (LIF, {"reset_delay": True, "learnable": ["tau_mem", "threshold"]}),
    (LIF, {"reset_delay": True, "reset": "zero", "learnable": ["tau_mem"]}),
    (LIF, {"max_spikes": None, "learnable": ["tau_mem", "threshold"]}),
    (LIF, {"refractory": 1e-3, "learnable": ["tau_mem"]}),
    (CubaLIF, {"learnable": ["tau_mem", "tau_syn", "threshold"]}),
    (CubaLIF, {"synapse": "add_then_decay", "input_gain": "1-decay", "learnable": ["tau_mem", "tau_syn"]}),
    (ALIF, {"learnable": ["tau_mem", "tau_adapt", "threshold", "beta"]}),
    (ALIF, {"adapt_gain": 1, "reset_delay": True, "learnable": ["tau_adapt", "beta"]}),
    (LI, {"learnable": ["tau_mem", "v_rest"]}),
    (LI, {"tau_syn": 5e-3, "synapse": "add_then_decay", "learnable": ["tau_mem", "tau_syn"]}),
    (LIF, {"ternary": True, "learnable": ["tau_mem", "threshold"]}),
    (LIF, {"reset_delay": "with_input", "reset": "zero", "learnable": ["tau_mem"]}),
    (LIF, {"surrogate_in": "threshold", "learnable": ["tau_mem", "threshold"]}),
    (LIF, {"surrogate_in": "threshold", "max_spikes": 3, "rounding": "nearest", "learnable": ["threshold"]}),
    (LIF, {"refractory": 1e-3, "refractory_mode": "hold", "learnable": ["tau_mem"]}),
    (ALIF, {"tau_syn": 5e-3, "synapse": "next_step", "learnable": ["tau_syn", "tau_adapt", "beta"]}),
    (ALIF, {"adaptation": "decay_then_compare", "learnable": ["tau_adapt", "threshold"]}),
]


@pytest.mark.parametrize("per", ["layer", "neuron"])
@pytest.mark.parametrize("kind, options", CASES, ids=str)
def test_every_gradient_agrees_with_finite_differences(kind, options, per):
    surrogate = {} if kind is LI else {"surrogate": Smooth(ATan())}
    neuron = kind(per=per, shape=(2,), **surrogate, **options).double()
    names = [name for name, _ in neuron.named_parameters()]

    def run(x, *parameters):
        out, state = torch.func.functional_call(neuron, dict(zip(names, parameters, strict=True)), (x,), {"dt": DT})
        return out, *(field for field in state if field is not None and field.requires_grad)

    inputs = (drive(4, 2, 2).requires_grad_(), *(p.detach().clone().requires_grad_() for p in neuron.parameters()))
    assert len(inputs) == 1 + len(options.get("learnable", ()))
    assert torch.autograd.gradcheck(run, inputs, atol=1e-6)


@pytest.mark.parametrize("surrogate", [FastSigmoid(5), Sigmoid(), SingleExponential(), Triangle(2.0)], ids=str)
def test_every_surrogate_agrees_with_finite_differences(surrogate):
    neuron = LIF(surrogate=Smooth(surrogate)).double()
    assert torch.autograd.gradcheck(lambda x: neuron(x, dt=DT)[0], drive(5, 2, 2).requires_grad_())


def test_gradients_flow_through_the_state():
    neuron = LIF(surrogate=Smooth(ATan()))

    def run(x, v):
        return neuron(x, neuron.State(v), dt=DT)

    inputs = drive(3, 2, 2).requires_grad_(), drive(2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, v: (run(x, v)[0], run(x, v)[1].v), inputs)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_lif_against_a_recursion_written_by_hand(reset, detach):
    steps, decay, threshold, surrogate = 40, math.exp(-DT / 5e-3), 0.7, ATan(1.5)
    x, upstream = drive(steps, 3, 5), torch.randn(steps, 3, 5, dtype=torch.float64)
    neuron = LIF(tau_mem=5e-3, threshold=threshold, reset=reset, detach_reset=detach, surrogate=surrogate)
    leaf = x.clone().requires_grad_()
    s, _ = neuron(leaf, dt=DT)
    (s * upstream).sum().backward()

    # Forward: u = decay v + x before the reset, fired = H(u - threshold), v after it.
    u, fired, v = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x[0])
    for t in range(steps):
        u[t] = decay * v + x[t]
        fired[t] = (u[t] >= threshold).double()
        v = u[t] - threshold * fired[t] if reset == "subtract" else (1 - fired[t]) * u[t]
    assert torch.equal(s.detach(), fired) and 0.1 < fired.mean() < 0.9

    # Reverse: du = dL/du, carried is dL/dv from the steps after.
    expected, carried = torch.zeros_like(x), torch.zeros_like(x[0])
    for t in reversed(range(steps)):
        slope = surrogate.derivative(u[t] - threshold)
        through_reset = 0.0 if detach else (-threshold if reset == "subtract" else -u[t])
        kept = 1.0 if reset == "subtract" else 1 - fired[t]
        du = carried * kept + slope * (upstream[t] + carried * through_reset)
        expected[t] = du
        carried = decay * du
    assert torch.allclose(leaf.grad, expected, rtol=1e-10, atol=1e-12)


def test_learned_decay_against_a_recursion_written_by_hand():
    # dL/d(log tau) = sum over t of dL/du[t] v[t-1] d(decay)/d(log tau), and d(decay)/d(log tau) = decay dt / tau
    steps, tau = 30, 5e-3
    neuron = LIF(tau_mem=tau, detach_reset=True, learnable=["tau_mem"]).double()
    x = drive(steps, 2, 3)
    s, _, traces = neuron.trace(x, dt=DT)
    s.sum().backward()
    decay = math.exp(-DT / tau)
    before = torch.cat([torch.zeros_like(x[:1]), traces["v"][:-1]]).detach()
    expected, carried = 0.0, torch.zeros_like(x[0])
    for t in reversed(range(steps)):
        du = carried + ATan().derivative(decay * before[t] + x[t] - 1)
        expected += (du * before[t]).sum().item() * decay * DT / tau
        carried = decay * du
    assert neuron.log_tau_mem.grad.item() == pytest.approx(expected, rel=1e-6)
