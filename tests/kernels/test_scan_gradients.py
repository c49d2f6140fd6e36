"""Gradients of kernels beside finite differences, float64 autograd and recursions written by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from snnctl.kernels.scan import scan
from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF
from snnctl.surrogates import ATan, FastSigmoid, Sigmoid, SingleExponential, Triangle
from tests.kernels.conventions import DT, SURROGATES, eager
from tests.surrogates.smooth import Smooth

SMOOTH = {"surrogate": Smooth(ATan())}
CASES = [
    IF(**SMOOTH, learnable=["threshold"]),
    IF(**SMOOTH, reset="value", v_reset=0.2, learnable=["threshold", "v_reset"]),
    LIF(**SMOOTH, learnable=["tau_mem", "threshold", "v_rest"]),
    LIF(**SMOOTH, decay="euler", input_gain="dt/tau", learnable=["tau_mem"], tau_mem=4e-3),
    LIF(**SMOOTH, input_gain="1-decay", reset="zero", fire="gt", learnable=["tau_mem"], tau_mem=4e-3),
    LIF(**SMOOTH, reset="value", v_reset=-0.1, learnable=["v_reset", "v_rest", "tau_mem"]),
    LIF(**SMOOTH, reset="none", learnable=["threshold"]),
    LIF(**SMOOTH, reset_delay=True, learnable=["tau_mem", "threshold"]),
    LIF(**SMOOTH, reset_delay=True, reset="zero", learnable=["tau_mem"]),
    LIF(**SMOOTH, max_spikes=None, learnable=["tau_mem", "threshold"]),
    LIF(**SMOOTH, refractory=1e-3, learnable=["tau_mem"]),
    CubaLIF(**SMOOTH, learnable=["tau_mem", "tau_syn", "threshold"]),
    CubaLIF(**SMOOTH, synapse="add_then_decay", input_gain="1-decay", learnable=["tau_mem", "tau_syn"]),
    ALIF(**SMOOTH, learnable=["tau_mem", "tau_adapt", "threshold", "beta"]),
    ALIF(**SMOOTH, adapt_gain=1, reset_delay=True, learnable=["tau_adapt", "beta"]),
    LI(learnable=["tau_mem", "v_rest"]),
]


def drive(*shape: int, seed: int = 3) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run(neuron, x, weights, start):
    """Gradients of x, the initial state and the parameters, and the loss."""
    x = x.clone().requires_grad_()
    start = type(start)(*(None if s is None else s.clone().requires_grad_() for s in start))
    out, after = neuron(x, start, dt=DT)
    total = (out * weights).sum() + sum(s.sum() for s in after if s is not None and s.requires_grad)
    leaves = [x, *(s for s in start if s is not None), *neuron.parameters()]
    grads = torch.autograd.grad(total, leaves, allow_unused=True)
    return total.detach(), [torch.zeros_like(a) if g is None else g for a, g in zip(leaves, grads, strict=True)]


@pytest.mark.parametrize("neuron", CASES, ids=lambda n: repr(n)[:90])
def test_kernels_give_the_gradient_that_float64_gives(neuron):
    """That of float64 is checked against finite differences below, and in tests/neurons."""
    neuron = copy.deepcopy(neuron)
    x, weights = drive(20, 3, 4), drive(20, 3, 4, seed=4) - 0.3
    start = neuron.double().trace(drive(2, 3, 4, seed=5), dt=DT)[1]
    start = type(start)(*(None if s is None else s.detach() for s in start))
    exact = run(neuron, x, weights, start)
    neuron = neuron.float()
    neuron.backend = "cpu"
    found = run(neuron, x.float(), weights.float(), type(start)(*(s if s is None else s.float() for s in start)))
    torch.testing.assert_close(found[0].double(), exact[0], rtol=1e-4, atol=1e-4)
    for a, b in zip(found[1], exact[1], strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-3, atol=1e-4 * float(b.abs().max()) + 1e-7)


@pytest.mark.parametrize("neuron", CASES, ids=lambda n: repr(n)[:90])
def test_the_reference_agrees_with_finite_differences(neuron):
    neuron = copy.deepcopy(neuron).double()
    state = neuron.initial_state(drive(2, 3))
    names = [name for name, s in state._asdict().items() if s is not None and name != "refractory"]
    parameters = dict(neuron.named_parameters())

    def total(x, *rest):
        start = state._replace(**dict(zip(names, rest[: len(names)], strict=True)))
        given = dict(zip(parameters, rest[len(names) :], strict=True))
        out, after = torch.func.functional_call(neuron, given, (x, start), {"dt": DT})
        return out, *(s for s in after if s is not None and s.requires_grad)

    inputs = [drive(4, 2, 3), *(getattr(state, n) + 0.1 for n in names), *(p.detach() for p in parameters.values())]
    assert torch.autograd.gradcheck(total, tuple(i.clone().requires_grad_() for i in inputs), atol=1e-6)


@pytest.mark.parametrize("surrogate", SURROGATES, ids=str)
def test_every_surrogate_smooth_through_the_kernel(surrogate):
    neuron = LIF(surrogate=Smooth(surrogate), tau_mem=5e-3)
    x, weights = drive(12, 2, 5), drive(12, 2, 5, seed=4)
    exact = run(neuron, x, weights, neuron.initial_state(x[0]))
    neuron.backend = "cpu"
    found = run(neuron, x.float(), weights.float(), neuron.initial_state(x[0].float()))
    for a, b in zip(found[1], exact[1], strict=True):
        torch.testing.assert_close(a.double(), b, rtol=2e-4, atol=1e-5)


def recursion(x, weights, end, surrogate, *, decay, threshold, detach):
    """LIF with subtraction, forward and back, in numpy: spikes, last v, gradients of x and of v before."""
    v, membranes, spikes = np.zeros_like(x[0]), [], []
    for x_t in x:
        v = decay * v + x_t
        s = (v >= threshold).astype(x.dtype)
        membranes.append(v)
        spikes.append(s)
        v = v - s * threshold
    g, d_x = end.copy(), np.zeros_like(x)  # g: gradient of v after the step
    for t in range(len(x) - 1, -1, -1):
        slope = surrogate(torch.from_numpy(membranes[t] - threshold)).numpy()
        d_s = weights[t] - (0 if detach else threshold * g)
        d_x[t] = g + d_s * slope
        g = decay * d_x[t]
    return np.stack(spikes), v, d_x, g


@pytest.mark.parametrize("surrogate", [ATan(), FastSigmoid(5.0), Sigmoid(), SingleExponential(), Triangle()], ids=str)
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("backend", ["cpu", "eager"])
def test_the_real_spike_has_the_gradient_of_the_recursion_by_hand(surrogate, detach, backend):
    neuron = LIF(tau_mem=5e-3, threshold=0.8, surrogate=surrogate, detach_reset=detach, backend=backend)
    x, weights, end = (a.float() for a in (drive(40, 3, 7), drive(40, 3, 7, seed=1) - 0.5, drive(3, 7, seed=2)))
    leaf, start = x.clone().requires_grad_(), neuron.initial_state(x[0])
    start = start._replace(v=start.v.requires_grad_())
    out, after = neuron(leaf, start, dt=DT)
    ((out * weights).sum() + (after.v * end).sum()).backward()
    decay = float(np.exp(-DT / 5e-3))
    spikes, v, d_x, d_v = recursion(
        x.double().numpy(), weights.double().numpy(), end.double().numpy(), surrogate.derivative,
        decay=decay, threshold=0.8, detach=detach,
    )  # fmt: skip
    np.testing.assert_array_equal(out.detach().numpy(), spikes)
    assert 0.1 < spikes.mean() < 0.9
    np.testing.assert_allclose(after.v.detach().numpy(), v, atol=2e-6)
    np.testing.assert_allclose(leaf.grad.numpy(), d_x, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(start.v.grad.numpy(), d_v, rtol=2e-5, atol=2e-5)


def test_the_gradient_of_a_learned_threshold_by_hand():
    neuron = LIF(tau_mem=5e-3, threshold=0.8, learnable=["threshold"], backend="cpu")
    x, weights = drive(15, 2, 3).float(), drive(15, 2, 3, seed=1).float()
    out, _ = neuron(x, dt=DT)
    (out * weights).sum().backward()
    spikes, _, d_x, _ = recursion(
        x.double().numpy(), weights.double().numpy(), np.zeros((2, 3)), ATan().derivative,
        decay=float(np.exp(-DT / 5e-3)), threshold=0.8, detach=False,
    )  # fmt: skip
    # threshold enters as v - threshold in the surrogate, and as s threshold in the reset.
    decay, total, g = float(np.exp(-DT / 5e-3)), 0.0, np.zeros((2, 3))
    for t in range(14, -1, -1):
        total += (-(d_x[t] - g) - spikes[t] * g).sum()
        g = decay * d_x[t]
    assert neuron.threshold.grad.item() == pytest.approx(total, rel=1e-5)


def test_coefficients_of_each_sample_get_their_own_gradient():
    neuron = LI(tau_mem=5e-3)
    x = drive(6, 3, 4).float()
    state, coefs = neuron.initial_state(x[0]), neuron.coefficients(DT)
    program = neuron.program(state, coefs)
    for shape in [(3, 4), (1, 4), (3, 1), (4,), (1,), ()]:
        grads = []
        for kernel in (True, False):
            decay = (0.5 + 0.4 * drive(*(shape or (1,)), seed=6).view(shape).float()).requires_grad_()
            own = coefs._replace(decay=decay)
            out = (scan(program, x, state, own) if kernel else eager(neuron, x, state, own))[0]
            out.square().sum().backward()
            grads.append(decay.grad)
        assert grads[0].shape == shape
        torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-5)
