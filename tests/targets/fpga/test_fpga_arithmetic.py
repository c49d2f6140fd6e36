"""The integers: a trace written out, wrapping and clamping, and how far they are from the float circuit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection
from snnctl.errors import UserError
from snnctl.neurons import LI, LIF
from snnctl.targets.fpga.arithmetic import Core, Population, Weights, wrapped
from snnctl.targets.fpga.layout import Layout, Synapses
from tests.targets.fpga.circuits import DT, circuits, counts, recurrent, target


def one_neuron(weight: float, shift: int, population: Population, state_bits: int = 12) -> Core:
    """A neuron behind one input channel."""
    synapses = Synapses("fc", "input", "p", 1, 1, 0, (0,))
    layout = Layout({"p": 1}, () if population.threshold is None else ("p",), (synapses, "p"), 1, 1, "p")
    weights = Weights(torch.tensor([[float(weight)]], dtype=torch.float64), shift, 0.0)
    return Core(layout, {"p": (1,)}, state_bits, (weights,), {"p": population})


def test_a_leaky_membrane_step_by_step():
    # w 2^1 = -6 an event; v loses v >> 1, rounded down: -5 >> 1 is -3, -1 >> 1 is -1.
    core = one_neuron(-3, 1, Population(0.5, 1.0, (1,), None, "none", 0))
    x = torch.tensor([1.0, 0, 2, 0, 0, 0, 0]).view(-1, 1, 1)
    v = [-6, -3, -1 - 12, -6, -3, -1, 0]
    #   -6 -> -6+3 = -3 -> -3+2 = -1;  -13 -> -13+7 = -6 -> -3 -> -1 -> -1+1 = 0
    assert core.run(x).out.flatten().tolist() == [0.5 * v_t + 1.0 for v_t in v]


def test_a_spike_takes_its_amount_from_the_leaked_membrane():
    # 10 an event. t0: 10; leaves 5. t1: 15 fires; 15 - 7 - 6 = 2. t2: 2; leaves 1. t3: 31 fires; 31 - 15 - 6 = 10.
    # t4: 10; leaves 5. t5: 15 fires.
    core = one_neuron(5, 1, Population(1.0, 0.0, (1,), 12, "subtract", 6))
    x = torch.tensor([1.0, 1, 0, 3, 0, 1]).view(-1, 1, 1)
    assert core.run(x).out.flatten().tolist() == [0, 1, 0, 1, 0, 1]


def test_a_reset_to_a_value_forgets_the_membrane():
    # t0: 20 fires, v = -4. t1: -4 + 10 = 6; leaves 3. t2: 13 fires, v = -4. t3: -4; leaves -2. t4: 8, no spike.
    core = one_neuron(5, 1, Population(1.0, 0.0, (1,), 12, "value", -4))
    x = torch.tensor([2.0, 1, 1, 0, 1]).view(-1, 1, 1)
    assert core.run(x).out.flatten().tolist() == [1, 0, 1, 0, 0]


def test_sums_wrap_and_membranes_clamp():
    assert wrapped(torch.tensor([2047, 2048, -2048, -2049, 4096]), 12).tolist() == [2047, -2048, -2048, 2047, 0]
    core = one_neuron(127, 3, Population(1.0, 0.0, (), None, "none", 0))
    # 1016; 2032 is clamped to 1023; 1023 + 1016 = 2039 the same; 1023 + 2 x 1016 = 3055 is -1041, clamped to -1024.
    x = torch.tensor([1.0, 1, 1, 2]).view(-1, 1, 1)
    assert core.run(x).out.flatten().tolist() == [1016, 1023, 1023, -1024]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_linear_circuit_is_as_near_as_its_rounding(seed):
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(3, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(4, 3, generator=generator))
    circuit = Circuit(
        {"p": LI(tau_mem=0.1, decay="bitshift", v_rest=0.5, backend="eager")},
        [Projection("input", "p", {"fc": layer}), Projection("p", "output")],
        {"input": (3,), "p": (4,), "output": (4,)},
        DT,
    )
    t = target()
    core = t.quantise(circuit, t.plan(circuit))
    x = counts(20, 2, 3, seed)
    off = (core.run(x).out - circuit(x)[0]).abs().max().item()
    bias, weights = core.weights
    # A constant error e of a step gathers to e / (1 - 0.75); flooring loses less than a unit a step.
    bound = (x.sum(-1).max().item() * weights.error + bias.error + core.populations["p"].unit) / 0.25
    assert off <= bound + 1e-5 and bound < 2.0


def test_a_network_in_integers_fires_as_in_float():
    circuit, t = recurrent(), target()
    core = t.quantise(circuit, t.plan(circuit))
    x = counts(40, 8, 8)
    _, _, spikes = circuit.trace(x)
    given = core.run(x).spikes["hidden"]
    assert spikes["hidden"].mean() > 0.1
    shared = 2 * torch.minimum(given, spikes["hidden"]).sum() / (given + spikes["hidden"]).sum()
    assert shared > 0.9


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("fire", ["ge", "gt"])
def test_exact_binary_values_are_computed_exactly(fire, reset, delay):
    """Weights of 127 / 128 and decays of 3/4: membranes meet the threshold exactly, where conventions differ."""
    layer = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(127 / 128)
    neuron = LIF(tau_mem=0.1, decay="bitshift", threshold=127 / 64, fire=fire, reset=reset,
                 reset_delay=delay, backend="eager")  # fmt: skip
    circuit = Circuit(
        {"p": neuron},
        [Projection("input", "p", {"fc": layer}), Projection("p", "output")],
        {"input": (1,), "p": (1,), "output": (1,)},
        DT,
    )
    t = target()
    x = torch.tensor([2.0, 1, 1, 0, 2, 0, 3, 1, 0, 0, 2, 2]).view(-1, 1, 1)
    assert torch.equal(t.quantise(circuit, t.plan(circuit)).run(x).out, circuit(x)[0])


@settings(max_examples=20, deadline=None)
@given(circuits())
def test_every_population_is_traced(circuit):
    t = target()
    traces = t.quantise(circuit, t.plan(circuit)).run(counts(5, 3, *circuit.shapes["input"]))
    assert set(traces.spikes) == set(circuit.names)
    assert all(s.shape == (5, 3, *circuit.shapes[n]) for n, s in traces.spikes.items())


@pytest.mark.parametrize(
    "value, said", [(0.5, "an input of 0.5"), (-1.0, "an input of -1"), (128.0, "an input of 128")]
)
def test_inputs_are_numbers_of_events(value, said):
    circuit, t = recurrent(2, 3, 2), target()
    with pytest.raises(UserError, match=said):
        t.quantise(circuit, t.plan(circuit)).run(torch.full((3, 1, 2), value))


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda c: c.projections[1].layers[0].weight.data.fill_(0), "rec: all weights are zero"),
        (lambda c: c.projections[2].layers[0].weight.data[0, 0].fill_(float("nan")), "classes: weights that are not"),
        (lambda c: c.projections[0].layers[0].bias.data[0].fill_(float("inf")), "bias of fc: weights that are not"),
        (lambda c: [p.layers[0].weight.data.mul_(1e-7) for p in c.projections if p.layers] +
                   [c.projections[0].layers[0].bias.data.mul_(1e-7)], "hidden: a threshold of 1 is"),
    ],
)  # fmt: skip
def test_weights_that_make_no_integers_name_the_layer(change, said):
    circuit, t = recurrent(2, 3, 2), target()
    change(circuit)
    with pytest.raises(UserError, match=said):
        t.quantise(circuit, t.plan(circuit))
