"""GatedLIF: its corners are simpler neurons; its conductances are told apart by the step."""

from __future__ import annotations

import math

import pytest
import torch

from snnctl.errors import UserError
from snnctl.networks import Recurrent
from snnctl.neurons import LIF, GatedLIF
from snnctl.neurons.gated_lif import GATES

DT = 1e-3
ALL, NONE = 1 - 1e-9, 1e-9  # gates lie between 0 and 1


def test_a_trace_by_hand():
    neuron = GatedLIF(tau_mem=DT / math.log(2), leak=100.0, v_subtract=0.8, conductance=0.5)  # exp(-dt / tau) = 1/2
    s, _, traces = neuron.trace(torch.tensor([1.6, 0.0]).view(-1, 1, 1), dt=DT)
    # kept 0.75, leak 0.05, gain 0.75: v = 1.2 - 0.05; then 0.75 v - 0.05 - (0.5 * 0.75 v + 0.4)
    assert s.flatten().tolist() == [1, 0]
    assert traces["v"].flatten().tolist() == pytest.approx([1.15, 0.375 * 1.15 - 0.45], rel=1e-6)


def test_with_open_gates_it_is_a_lif_that_is_reset_to_zero_a_step_later():
    x = torch.rand(40, 2, 3, dtype=torch.float64)
    gated = GatedLIF(leak_gate=ALL, input_gate=NONE, reset_gate=ALL, leak=0.0)
    lif = LIF(reset="zero", reset_delay=True)
    torch.testing.assert_close(gated.trace(x, dt=DT)[2]["v"], lif.trace(x, dt=DT)[2]["v"])


def test_with_closed_gates_the_leak_is_linear_and_the_reset_subtracts():
    x = torch.rand(40, 2, 3, dtype=torch.float64)
    v, _, traces = torch.zeros(2, 3, dtype=torch.float64), None, GatedLIF(
        leak_gate=NONE, input_gate=ALL, reset_gate=NONE, leak=50.0, conductance=0.7, v_subtract=0.6
    ).trace(x, dt=DT)[2]  # fmt: skip
    s = torch.zeros_like(v)
    for t in range(40):
        v = v - 0.05 + 0.7 * x[t] - 0.6 * s
        s = (v >= 1).double()
        torch.testing.assert_close(traces["v"][t], v, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_a_conductance_a_step_goes_on_where_the_sequence_was_cut(per):
    neuron = GatedLIF(conductances="step", steps=20, learnable=GATES, per=per, shape=(3,))
    with torch.no_grad():
        neuron.logit_conductance.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.rand(20, 2, 3) * 2
    whole, _, traces = neuron.trace(x, dt=DT)
    first, state = neuron(x[:8], dt=DT)
    second, state = neuron(x[8:], state, dt=DT)
    assert torch.equal(torch.cat([first, second]), whole) and (state.done == 20).all()
    v, g = torch.zeros(2, 3), neuron.conductance
    for t in range(3):  # by hand, up to the first spikes
        v = neuron.coefficients(DT).kept * v - neuron.coefficients(DT).leak + (1 - 0.5 * (1 - g[t])) * x[t]
        if t == 0:
            torch.testing.assert_close(traces["v"][0], v)
    with pytest.raises(UserError, match="21 steps, with a conductance for each of 20"):
        neuron(x[:1], state, dt=DT)


def test_gates_stay_between_0_and_1_while_they_learn():
    neuron = GatedLIF(learnable=GATES)
    optimizer = torch.optim.SGD(neuron.parameters(), lr=100.0)
    for _ in range(5):
        optimizer.zero_grad()
        neuron(torch.rand(10, 2, 3) * 2, dt=DT)[0].sum().backward()
        optimizer.step()
    assert all(0 <= getattr(neuron, name) <= 1 for name in GATES)
    assert {n for n, _ in neuron.named_parameters()} == {f"logit_{name}" for name in GATES}


def test_a_recurrent_layer_cannot_tell_the_steps_apart():
    layer = Recurrent(GatedLIF(conductances="step", steps=5), (3,))
    with pytest.raises(UserError, match="conductances: step needs the whole sequence"):
        layer(torch.rand(5, 2, 3), dt=DT)
    assert Recurrent(GatedLIF(), (3,))(torch.rand(5, 2, 3), dt=DT)[0].shape == (5, 2, 3)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"leak_gate": 1.0}, "leak_gate is 1"),
        ({"reset_gate": 0.0}, "reset_gate is 0 no unit"),
        ({"leak": -1.0}, "leak is -1"),
        ({"conductances": "step"}, "conductances: step with None steps"),
    ],
)
def test_wrong_values_are_named(options, message):
    with pytest.raises(UserError, match=message):
        GatedLIF(**options)
