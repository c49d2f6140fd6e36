"""The chip's own way, event after event, beside the model in steps."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnctl.circuits import Circuit, Projection, SumPool2d
from snnctl.targets.speck import by_event
from tests.targets.speck.chip import chain, neurons, speck


def network(seed: int, excitatory: bool):
    """Two layers with pooling between them, a rest behind it, in integers; and events for them."""
    torch.manual_seed(seed)
    first, second = nn.Conv2d(1, 3, 3, 2, 1, bias=False), nn.Conv2d(3, 2, 2, padding=1, bias=False)
    for conv, gain in ((first, 1.0), (second, 0.6)):
        weight = torch.rand_like(conv.weight) if excitatory else torch.rand_like(conv.weight) * 2 - 1
        conv.weight.data = weight * gain
    circuit = chain((1, 13, 13), {"conv": first}, {"pool": nn.AvgPool2d(2), "conv": second}, a=neurons(), b=neurons())
    chip = speck()
    x = torch.poisson(torch.full((5, 2, 1, 13, 13), 0.5))
    return chip.quantise(circuit, chip.plan(circuit)), x


def one(weights, **keys):
    """A neuron with a weight for each channel."""
    conv = nn.Conv2d(len(weights), 1, 1, bias="bias" in keys)
    conv.weight.data = torch.tensor(weights).view(1, -1, 1, 1)
    if conv.bias is not None:
        conv.bias.data = torch.tensor([keys.pop("bias")])
    circuit, chip = chain((len(weights), 1, 1), {"conv": conv}, a=neurons(**keys)), speck()
    return chip.quantise(circuit, chip.plan(circuit))


@pytest.mark.parametrize(
    ("weights", "keys", "events", "expected"),
    [
        ([0.5], {}, [1, 1, 5, 0], [0, 1, 2, 0]),  # v: 0.5, 0, 0.5, 0.5
        ([2.5, 0.25], {}, [[1, 0], [0, 1], [0, 1], [0, 1]], [1, 1, 1, 0]),  # one spike an event: v 1.5, 0.75, 0, 0.25
        ([0.75], {"reset": "zero"}, [2, 3, 1], [1, 1, 1]),  # v: 0.75 0, 0.75 0 0.75, 0
        ([-1.0, 0.5], {}, [[3, 0], [0, 4], [0, 1]], [0, 1, 0]),  # v: -1 at the floor, 1 - 1, 0.5
        ([1.0], {"bias": 0.5}, [0, 0, 1, 1], [0, 1, 1, 2]),  # v at the tick: 0.5, 1 - 1, 0.5, 1 - 1
    ],
)
def test_the_trace_of_one_neuron_written_out(weights, keys, events, expected):
    x = torch.tensor(events).float().view(len(events), 1, len(weights), 1, 1)
    assert by_event.run(one(weights, **keys), x, 1).out.flatten().tolist() == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_steps_and_any_order_of_events_agree_where_no_weight_inhibits_or_passes_the_threshold(seed, order):
    model, x = network(seed, excitatory=True)
    assert model.facts()["weights above threshold"] == 0
    steps, events = model.run(x), by_event.run(model, x, order)
    assert steps.out.sum() > 0 and torch.equal(steps.out, events.out)
    assert all(torch.equal(steps.spikes[name], events.spikes[name]) for name in "ab")


def test_inhibition_makes_the_order_matter():
    model, x = network(5, excitatory=False)
    steps, first, second = model.run(x).spikes["b"], *(by_event.run(model, x, seed).spikes["b"] for seed in (1, 2))
    assert not torch.equal(first, second)
    # Spikes that an inhibition later in the step would have held back are sent: about as many, somewhat more.
    assert 0.9 * steps.sum() <= first.sum() <= 1.5 * steps.sum()


def test_the_order_is_the_samples_own_whoever_else_is_in_the_batch():
    model, x = network(5, excitatory=False)
    alone = by_event.run(model, x[:, 1:], 7)
    assert torch.equal(by_event.run(model, x, 7).spikes["b"][:, 1:], alone.spikes["b"])


def test_events_of_two_sources_come_in_the_order_of_their_causes():
    shapes = {"input": (1, 4, 4), "a": (1, 4, 4), "b": (1, 2, 2), "c": (1, 2, 2), "output": (1, 2, 2)}
    copy, pooled, third = nn.Conv2d(1, 1, 1, bias=False), SumPool2d(2), nn.Conv2d(1, 1, 1, bias=False)
    copy.weight.data.fill_(1.0), third.weight.data.fill_(0.5)
    joined = [
        Projection("input", "a", {"copy": copy}),
        Projection("a", "b", {"pool": pooled}),
        Projection("a", "c", {"pool": pooled, "third": third}),
        Projection("b", "c", {"third": third}),
        Projection("c", "output"),
    ]
    circuit = Circuit({name: neurons() for name in "abc"}, joined, shapes, 1e-3)
    chip = speck()
    model = chip.quantise(circuit, chip.plan(circuit))
    x = torch.poisson(torch.full((6, 2, 1, 4, 4), 0.4))
    steps, events = model.run(x), by_event.run(model, x, 1)
    assert steps.out.sum() > 0 and torch.equal(steps.out, events.out)


def test_deployment_compares_with_it_unless_told_not_to(tmp_path):
    torch.manual_seed(1)
    circuit, chip = chain((1, 4, 4), {"conv": nn.Conv2d(1, 2, 3)}), speck(order_seed=3)
    plan = chip.plan(circuit)
    model = chip.quantise(circuit, plan)
    chip.build(model, circuit, plan, tmp_path)
    x = torch.poisson(torch.full((3, 2, 1, 4, 4), 3.0))
    (run,) = chip.other_runs(tmp_path).values()
    assert torch.equal(run(x).out, by_event.run(model, x, 3).out)
    assert not speck(by_event=False).other_runs(tmp_path)
