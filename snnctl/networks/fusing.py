"""What two neighbours in a chain save together: memory that changes hands, and maps pooled as they are made."""

from __future__ import annotations

from torch import nn

from snnctl.kernels.pooling import Pooling
from snnctl.networks.hooks import unhooked
from snnctl.networks.pooling import SumPool2d
from snnctl.neurons.neuron import Neuron

# Layers whose output is new, and not needed for their own gradient.
GIVERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.AvgPool1d,
          nn.AvgPool2d, nn.AvgPool3d, SumPool2d)  # fmt: skip


def gives_away(before: nn.Module | None, neuron: nn.Module) -> bool:
    """Whether what `before` gave to the neuron is the neuron's to overwrite: nobody else can see it."""
    return type(before) in GIVERS and _is_neuron(neuron) and unhooked(before) and unhooked(neuron, but_rates=True)


def window(neuron: nn.Module, after: nn.Module | None) -> Pooling | None:
    """The pooling that follows a neuron, if the neuron can do it itself."""
    if type(after) not in (nn.AvgPool2d, SumPool2d) or not _is_neuron(neuron):
        return None
    if not (unhooked(neuron, but_rates=True) and unhooked(after)):
        return None
    size = _side(after.kernel_size)
    plain = size is not None and _side(after.stride) == size and _side(after.padding) == 0
    if not plain or getattr(after, "ceil_mode", False) or getattr(after, "divisor_override", None) is not None:
        return None
    return Pooling(size, mean=type(after) is nn.AvgPool2d)


def _is_neuron(layer: nn.Module) -> bool:
    return isinstance(layer, Neuron) and type(layer).forward is Neuron.forward


def _side(value: int | tuple[int, ...]) -> int | None:
    sides = {value} if isinstance(value, int) else set(value)
    return sides.pop() if len(sides) == 1 else None
