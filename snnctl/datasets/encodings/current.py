"""Values as currents into neurons, whose spikes are the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snnctl.datasets.encodings.ranges import Generators, number, within


@dataclass(frozen=True)
class Current:
    """The spikes of neurons that the values drive: x = neuron(gain v[t]), from rest, v constant for a still image.

    Args:
        neuron: a neuron, or what builds one (`functools.partial(LIF, ...)`); in YAML one of the group neuron.
        gain: current at v = 1, in the unit of the neuron's input.

    Raises:
        UserError: gain is not finite; when called: a value is not finite, or the neuron refuses dt.
    """

    neuron: Callable[..., nn.Module] | nn.Module
    gain: float = 1.0

    def __post_init__(self):
        number("Current", "gain", self.gain, "unit of the neuron's input")

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """Spikes a step, (T, B, *shape)."""
        currents = within("Current", values) * self.gain
        neuron = self.neuron if isinstance(self.neuron, nn.Module) else self.neuron(shape=tuple(values.shape[2:]))
        with torch.no_grad():
            return neuron(currents.expand(steps, *values.shape[1:]), dt=dt)[0]
