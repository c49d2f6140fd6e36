"""The step of every neuron is a graph of elementwise operations: what kernels will be printed from."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from snnctl.neurons import ALIF, IF, LI, LIF, CubaLIF, ReLU

N = 7
EVERYTHING = {"reset_delay": True, "refractory": 2e-3, "max_spikes": None}
CASES = [
    IF(), IF(reset="value", v_reset=0.1, refractory=1e-3), LIF(), LIF(detach_reset=True, reset="zero", fire="gt"),
    LIF(max_spikes=3), LIF(v_rest=0.1, input_gain="1-decay", **EVERYTHING), CubaLIF(), CubaLIF(**EVERYTHING),
    ALIF(), ALIF(**EVERYTHING), LI(input_gain="dt/tau"), ReLU(),
    LIF(ternary=True, v_min=-0.5), LIF(rounding="nearest", max_spikes=4, surrogate_in="threshold"),
    LIF(max_spikes=None, surrogate_at="first", reset_delay="with_input"), LI(tau_syn=5e-3, v_min=-0.5),
    CubaLIF(refractory=2e-3, refractory_mode="hold"), ALIF(tau_syn=5e-3, synapse="next_step", detach_threshold=True),
]  # fmt: skip


def present(values) -> dict[str, object]:
    """The fields of a NamedTuple that are not None."""
    return {name: value for name, value in values._asdict().items() if value is not None}


def with_fields(values, names, given):
    return values._replace(**dict(zip(names, given, strict=True)))


@pytest.mark.parametrize("neuron", CASES, ids=lambda n: repr(n)[:70])
def test_step_and_its_gradient_are_elementwise(neuron):
    coefs, state = neuron.coefficients(1e-3), neuron.initial_state(torch.zeros(N))
    names, kept = list(present(coefs)), list(present(state))

    def step(x, *rest):
        before = with_fields(state, kept, rest[: len(kept)])
        out, after = neuron.step(x, before, with_fields(coefs, names, rest[len(kept) :]))
        return [out, *present(after).values()]

    def joint(x, *rest):
        inputs = [leaf.detach().requires_grad_() for leaf in (x, *rest)]
        outs = [out for out in step(*inputs) if out.requires_grad]
        return torch.autograd.grad(outs, inputs, [torch.ones_like(out) for out in outs], allow_unused=True)

    coefs_as_vectors = [torch.full((N,), float(value)) for value in present(coefs).values()]
    arguments = [torch.rand(N), *present(state).values(), *coefs_as_vectors]
    for function in (step, joint):
        graph = make_fx(function, tracing_mode="fake")(*arguments).graph
        graph.eliminate_dead_code()
        assert not [node for node in graph.nodes if node.op == "get_attr"], "a tensor is baked into the step"
        for node in graph.nodes:
            if node.op == "call_function":
                assert not node.target._schema.is_mutable, node
                assert tuple(node.meta["val"].shape) in ((N,), ()), f"not elementwise: {node}"
    assert len(step(*arguments)) == 1 + len(kept)
    assert joint(*arguments)[0].shape == (N,)
