"""Graded spikes: a LIF of another height."""

from __future__ import annotations

import torch

from snnctl.neurons import LIF, GradedLIF, GradedSpikes

DT = 1e-3


def test_the_amplitude_scales_the_output_and_nothing_else():
    x = torch.rand(50, 2, 3)
    plain, _, before = LIF().trace(x, dt=DT)
    graded, _, after = GradedLIF(amplitude=2.5).trace(x, dt=DT)
    assert torch.equal(graded, 2.5 * plain) and torch.equal(before["v"], after["v"]) and plain.sum() > 0


def test_a_layer_of_amplitudes_does_the_same_behind_any_neuron():
    x = torch.rand(50, 2, 3)
    spikes, _ = LIF()(x, dt=DT)
    layer = GradedSpikes(amplitude=[0.5, 1.0, 2.0], per="neuron", shape=(3,), learnable="amplitude")
    out, _ = layer(spikes, dt=DT)
    assert torch.equal(out, spikes * torch.tensor([0.5, 1.0, 2.0]))
    out.sum().backward()
    assert torch.allclose(layer.amplitude.grad, spikes.sum((0, 1)))


def test_the_amplitude_learns():
    neuron = GradedLIF(learnable=["amplitude"])
    x = torch.rand(50, 2, 3)
    neuron(x, dt=DT)[0].sum().backward()
    assert neuron.amplitude.grad.item() == LIF()(x, dt=DT)[0].sum().item()
