"""Spiking neurons whose membrane is more than a leak: their reset acts at once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from snnctl.neurons.quantity import Kind, Value
from snnctl.neurons.spiking import SpikingNeuron


class AtOnce(SpikingNeuron):
    """A spiking neuron without reset_delay, for equations in which the input is not simply added to the membrane.

    Args:
        values: name -> (value, Kind) of the subclass's own parameters.
        conventions: of `SpikingNeuron`, but reset_delay, which stays False.

    Raises:
        UserError: a value out of range or an unknown option; reset_delay.
    """

    def __init__(self, values: Mapping[str, tuple[Value, Kind]] | None = None, /, **conventions):
        super().__init__(values, **conventions)
        if self.reset_delay:
            raise self.wrong("reset_delay is not for this neuron", "set            reset_delay: false")

    def heard(self, x: Tensor, state) -> Tensor:
        """The input x (B, ...), or 0 where a refractory neuron drops it."""
        if state.refractory is None or self.refractory_mode == "hold":
            return x
        return x * (state.refractory <= 0)
