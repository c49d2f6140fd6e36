"""What two neighbours in a chain save together: memory that changes hands, maps that are never made or moved."""

from __future__ import annotations

from torch import Tensor, nn

from snnctl.circuits.layers import SumPool2d
from snnctl.kernels.pooling import Pooling
from snnctl.networks.flat_linear import FlatLinear, flattens_free
from snnctl.networks.hooks import unhooked
from snnctl.networks.kernel_linear import KernelLinear, pays
from snnctl.networks.strided import StridedConv2d, can_stride
from snnctl.neurons.neuron import Neuron

# Layers whose output is new, and not needed for their own gradient.
GIVERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.AvgPool1d,
          nn.AvgPool2d, nn.AvgPool3d, SumPool2d)  # fmt: skip


def gives_away(before: nn.Module | None, neuron: nn.Module) -> bool:
    """Whether what `before` gave to the neuron is the neuron's to overwrite: nobody else can see it."""
    return type(before) in GIVERS and _is_neuron(neuron) and unhooked(before) and unhooked(neuron, but_rates=True)


def window(neuron: nn.Module, after: nn.Module | None) -> Pooling | None:
    """The pooling that follows a neuron, if the neuron can do it itself."""
    return _pooling(after) if _is_neuron(neuron) and unhooked(neuron, but_rates=True) else None


def in_one(layer: nn.Module, after: nn.Module | None, x: Tensor) -> StridedConv2d | FlatLinear | None:
    """What gives the output of a layer and the next, which know no time, in one go and less time; None if nothing does.

    Args:
        layer, after: neighbours. x: (T, B, ...), input of the first.
    """
    if type(layer) is nn.Conv2d and unhooked(layer) and can_stride(layer):
        pool = _pooling(after)
        return StridedConv2d(layer, pool) if pool else None
    if type(layer) is nn.Flatten and type(after) is nn.Linear and unhooked(layer) and unhooked(after):
        whole = (layer.start_dim, layer.end_dim) == (1, -1)
        return FlatLinear(after) if whole and flattens_free(x, after) else None
    return None


def by_kernel(before: nn.Module | None, layer: nn.Module, after: nn.Module | None, x: Tensor) -> KernelLinear | None:
    """What gives the output of a linear layer in less time than torch; None if nothing does.

    Args:
        before, layer, after: neighbours; a neuron among them that is to run eagerly has a linear layer in torch.
        x: (T, B, ...), input of the second.
    """
    if type(layer) is not nn.Linear or x.dim() != 3 or not unhooked(layer):
        return None
    if asks_for_eager(before) or asks_for_eager(after):
        return None
    spikes = bool(getattr(before, "spiking", False))
    return KernelLinear(layer, spikes) if pays(x, layer, spikes) else None


def asks_for_eager(layer: nn.Module | None) -> bool:
    """Whether these are neurons whose backend is eager: then what is beside them is to be plain torch too."""
    return getattr(getattr(layer, "neuron", layer), "backend", None) == "eager"


def _pooling(layer: nn.Module | None) -> Pooling | None:
    if type(layer) not in (nn.AvgPool2d, SumPool2d) or not unhooked(layer):
        return None
    size = _side(layer.kernel_size)
    plain = size is not None and _side(layer.stride) == size and _side(layer.padding) == 0
    if not plain or getattr(layer, "ceil_mode", False) or getattr(layer, "divisor_override", None) is not None:
        return None
    return Pooling(size, mean=type(layer) is nn.AvgPool2d)


def _is_neuron(layer: nn.Module) -> bool:
    return isinstance(layer, Neuron) and type(layer).forward is Neuron.forward


def _side(value: int | tuple[int, ...]) -> int | None:
    sides = {value} if isinstance(value, int) else set(value)
    return sides.pop() if len(sides) == 1 else None
