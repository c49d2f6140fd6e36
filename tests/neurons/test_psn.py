"""The parallel spiking neuron family."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import PSN, MaskedPSN, ParallelLIF, SlidingPSN
from snnctl.neurons import psn as module
from snnctl.surrogates import ATan
from tests.surrogates.smooth import Smooth

DT = 1e-3


def test_a_psn_by_hand():
    neuron = PSN(steps=3)
    with torch.no_grad():
        neuron.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 2.0]]))
    x = torch.tensor([1.0, 0.5, 0.25]).view(-1, 1, 1)
    assert neuron(x, dt=DT)[0].flatten().tolist() == [1, 1, 0]  # 1 - 1, 0.5 + 0.5 - 1, 0.5 - 1
    assert neuron(x[:2], dt=DT)[0].flatten().tolist() == [1, 1]


def test_a_masked_psn_sees_order_steps_and_may_run_in_parts():
    neuron = MaskedPSN(steps=12, order=3)
    x = torch.randn(12, 2, 4, requires_grad=True)
    _, _, traces = neuron.trace(x, dt=DT)
    seen = torch.autograd.grad(traces["h"][7].sum(), x)[0].abs().sum((1, 2)) > 0
    assert seen.nonzero().flatten().tolist() == [5, 6, 7]
    first, state = neuron(x[:5], dt=DT)
    second, _ = neuron(x[5:], state, dt=DT)
    assert torch.equal(torch.cat([first, second]), neuron(x, dt=DT)[0])


def test_without_its_mask_it_is_a_psn():
    masked, free = MaskedPSN(steps=9, masking=0.0), PSN(steps=9)
    free.load_state_dict({k: v for k, v in masked.state_dict().items() if k != "masking"})
    x = torch.randn(9, 2, 4) * 4
    assert torch.equal(masked(x, dt=DT)[0], free(x, dt=DT)[0])
    masked.masking.fill_(1.0)
    assert not torch.equal(masked.trace(x, dt=DT)[2]["h"], free.trace(x, dt=DT)[2]["h"])


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 2 * module.ROWS + 9), st.data())
def test_a_sliding_psn_is_a_sum_over_the_last_steps(order, steps, data):
    cut = data.draw(st.integers(0, steps - 1))
    neuron = SlidingPSN(order=order, decay=None)
    x = torch.randn(steps, 2, 3)
    padded = torch.cat([torch.zeros(order - 1, 2, 3), x])
    expected = sum(neuron.weight[k] * padded[order - 1 - k :][:steps] for k in range(order)) + neuron.bias
    out, whole, traces = neuron.trace(x, dt=DT)
    torch.testing.assert_close(traces["h"], expected)
    assert torch.equal(out, (traces["h"] >= 0).float())
    if cut:
        first, state = neuron(x[:cut], dt=DT)
        second, state = neuron(x[cut:], state, dt=DT)
        torch.testing.assert_close(state.past, whole.past)
        assert (torch.cat([first, second]) != out).float().mean() < 0.01  # rounding at the threshold


def test_with_decaying_weights_it_is_a_membrane_without_reset():
    x = torch.randn(60, 2, 3)
    neuron = SlidingPSN(order=60, decay=0.9)
    membrane = ParallelLIF(tau_mem=DT / -torch.tensor(0.9, dtype=torch.float64).log().item()).trace(x, dt=DT)[2]["v"]
    torch.testing.assert_close(neuron.trace(x, dt=DT)[2]["h"], membrane - 1)


@pytest.mark.parametrize(
    "neuron", [PSN(steps=4), MaskedPSN(steps=4, masking=0.3), SlidingPSN(order=3)], ids=lambda n: type(n).__name__
)
def test_every_gradient_agrees_with_finite_differences(neuron):
    neuron.surrogate = Smooth(ATan())
    neuron = neuron.double()
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)

    def run(x, *values):
        named = dict(zip([n for n, _ in neuron.named_parameters()], values, strict=True))
        return torch.func.functional_call(neuron, named, (x,), {"dt": DT})[0]

    assert torch.autograd.gradcheck(run, (x, *(p.detach().clone().requires_grad_() for p in neuron.parameters())))


def test_what_it_cannot_do_is_told():
    with pytest.raises(UserError, match="PSN: steps is None"):
        PSN()
    with pytest.raises(UserError, match="a sequence of 5 steps"):
        PSN(steps=4)(torch.rand(5, 1, 1), dt=DT)
    neuron = PSN(steps=4)
    with pytest.raises(UserError, match="cannot go on from a state"):
        neuron(torch.rand(2, 1, 1), neuron(torch.rand(2, 1, 1), dt=DT)[1], dt=DT)
    for options in ({"order": 0}, {"masking": 1.5}):
        with pytest.raises(UserError, match="MaskedPSN: "):
            MaskedPSN(steps=4, **options)
    with pytest.raises(UserError, match="decay is -1"):
        SlidingPSN(decay=-1)
