"""Accuracy, agreement and operations counted by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.circuits import Circuit, Projection, Scale
from snnctl.deployment.comparison import Comparison, agreement
from snnctl.neurons import IF
from snnctl.targets.target import Traces


def test_agreement_is_shared_spikes_over_all():
    a, b = torch.tensor([1.0, 0, 2, 1]), torch.tensor([1.0, 1, 1, 0])
    assert agreement(a, b) == (4, 7)


def circuit() -> Circuit:
    joined = [Projection("input", "a", {"half": Scale(0.5)}), Projection("a", "output")]
    return Circuit({"a": IF()}, joined, {"input": (2,), "a": (2,), "output": (2,)}, 1e-3)


def scores(out, length):
    return out.sum(0)


def test_a_run_that_loses_the_last_spike():
    net = circuit()

    def worse(x):
        out = net(x)[0].clone()
        out[-1] = 0
        return Traces(out, {"a": out})

    x = torch.zeros(4, 2, 2)
    x[:, 0, 0] = 1  # spikes of neuron 0 at steps 1 and 3
    x[2:, 1, 1] = 1  # one spike of neuron 1 at step 3
    comparison = Comparison(net, {"quantised": worse, "simulated": worse, "other": lambda x: Traces(x, {})}, scores)
    comparison.add(x, torch.tensor([4, 4]), torch.tensor([0, 1]))
    found = comparison.result()
    assert found["accuracy"] == {"float": 1.0, "quantised": 0.5, "simulated": 0.5, "other": 1.0}
    assert found["spike_agreement"]["simulated"] == {"a": pytest.approx(2 / 4)}
    assert found["equal_bit_for_bit"] == {"simulated": True, "other": False}
    assert found["largest_difference"] == {"simulated": 0.0, "other": 1.0} and found["samples"] == 2


def test_padding_is_not_compared():
    net = circuit()
    x = torch.ones(4, 1, 2)

    def at_the_end(x):
        out, _, spikes = net.trace(x)
        spikes["a"] = spikes["a"].clone()
        spikes["a"][2:] = 7
        return Traces(out, spikes)

    comparison = Comparison(net, {"simulated": at_the_end}, scores)
    comparison.add(x, torch.tensor([2]), None)
    assert comparison.result()["spike_agreement"]["simulated"] == {"a": 1.0} and not comparison.result()["accuracy"]
