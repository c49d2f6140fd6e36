"""A population and what arrives at it, measured in its thresholds: what is rounded to integers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.circuits import Circuit
from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.targets.loihi2.compartment import MIXED, ONE_SIGN
from snnctl.targets.loihi2.conventions import delayed, resting, synaptic, synaptic_decay
from snnctl.targets.loihi2.cores import BIAS


@dataclass(frozen=True)
class Part:
    """What arrives at a population from one source, in thresholds of its neurons.

    Args:
        weight: (N target, N source) float64. delay: steps. title: for messages.
    """

    source: str
    weight: Tensor
    delay: int
    title: str

    @property
    def limit(self) -> int:
        """Largest integer weight: the last bit is lost where signs are mixed."""
        return MIXED if bool((self.weight < 0).any()) and bool((self.weight > 0).any()) else ONE_SIGN

    @property
    def most(self) -> float:
        """Largest weight, whatever its sign."""
        return self.weight.abs().max().item()


class Layer(NamedTuple):
    """A population before it is rounded: v = 1 is the threshold, or the circuit's own unit in a readout."""

    neuron: Neuron
    shape: tuple[int, ...]
    unit: Tensor  # of the circuit's v
    rest: Tensor
    parts: list[Part]
    bias: Tensor  # added to v at every step, (N,)


def layer_of(circuit: Circuit, name: str) -> Layer:
    """A population with its input gain, the decay of its synapse and its thresholds multiplied into the weights.

    Raises:
        UserError: weights are not finite, or all zero.
    """
    neuron, shape = circuit.populations[name], circuit.shapes[name]
    coefs = neuron.coefficients(circuit.dt)
    rest = _flat(resting(neuron), shape)
    unit = _flat(neuron.threshold, shape) - rest if neuron.spiking else torch.ones(1, dtype=torch.float64)
    gain = getattr(coefs, "gain", None)
    row = (1.0 if gain is None else _flat(gain, shape)) / unit
    if synaptic(neuron) and neuron.synapse == "add_then_decay":
        row = row * _flat(synaptic_decay(coefs), shape)
    parts, bias = [], torch.zeros(math.prod(shape), dtype=torch.float64)
    for p in circuit.into(name):
        weight, offset = (value.double() for value in p.matrix(circuit.shapes[p.source]))
        if not (bool(weight.isfinite().all()) and bool(offset.isfinite().all())):
            raise UserError(f"{p.title}: its weights are not finite", "the training diverged: lower optimizer.lr")
        if not bool(weight.any()):
            raise UserError(f"{p.title}: its weights are all zero", "nothing would arrive behind it; train it first")
        if not bool((weight * row[:, None]).any()):
            raise UserError(f"{name}: its input is multiplied by 0", "change input_gain, tau_syn, or synapse")
        parts.append(Part(p.source, weight * row[:, None], p.delay + delayed(neuron), p.title))
        bias = bias + offset * row
    if synaptic(neuron) and bool(bias.any()):  # it has to pass the synapse: from a neuron that fires at every step
        parts.append(Part(BIAS, bias[:, None], delayed(neuron), f"the bias of {name}"))
        bias = torch.zeros_like(bias)
    return Layer(neuron, shape, unit, rest, parts, bias)


def _flat(value: float | Tensor, shape: tuple[int, ...]) -> Tensor:
    """A coefficient as (1,) or (N,) float64."""
    if not isinstance(value, Tensor) or value.numel() == 1:
        return torch.as_tensor(value, dtype=torch.float64).detach().cpu().reshape(1)
    return value.detach().cpu().double().expand(shape).flatten()
