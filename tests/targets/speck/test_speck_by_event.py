"""The model in steps beside the chip's own way, event after event."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.targets.speck import by_event
from tests.targets.speck.chip import chain, neurons, speck


def network(seed: int, excitatory: bool):
    """Two layers with pooling between them, in integers, and events for them."""
    torch.manual_seed(seed)
    first, second = nn.Conv2d(1, 3, 3, 2, 1, bias=False), nn.Conv2d(3, 2, 2, padding=1, bias=False)
    for conv, gain in ((first, 1.0), (second, 0.6)):
        weight = torch.rand_like(conv.weight) if excitatory else torch.rand_like(conv.weight) * 2 - 1
        conv.weight.data = weight * gain
    circuit = chain((1, 11, 11), {"conv": first}, {"pool": nn.AvgPool2d(2), "conv": second}, a=neurons(), b=neurons())
    chip = speck()
    x = torch.poisson(torch.full((5, 2, 1, 11, 11), 0.5))
    return chip.quantise(circuit, chip.plan(circuit)), x


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_in_any_order_of_events_where_no_weight_inhibits_or_passes_the_threshold(seed, order):
    model, x = network(seed, excitatory=True)
    assert all(layer.convolution.weight.max() <= layer.threshold for layer in model.layers)
    spikes = model.run(x).spikes
    counted = by_event.run(model, x.numpy(), order)
    assert spikes["b"].sum() > 0
    for name, wanted in counted.items():
        assert np.array_equal(spikes[name].numpy(), wanted)


def test_inhibition_makes_the_order_matter():
    model, x = network(5, excitatory=False)
    steps = model.run(x).spikes["b"].numpy()
    orders = [by_event.run(model, x.numpy(), seed)["b"] for seed in range(2)]
    assert not np.array_equal(*orders)
    # Spikes that a later inhibition in the step would have held back are sent: about as many, somewhat more.
    assert steps.sum() * 0.9 <= orders[0].sum() <= steps.sum() * 1.5
