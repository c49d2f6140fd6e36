"""What two neighbours in a chain save together: memory that changes hands, and maps pooled as they are made."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module

from snnctl.kernels.pooling import Pooling
from snnctl.networks.pooling import SumPool2d
from snnctl.neurons.neuron import Neuron

# Layers whose output is new, and not needed for their own gradient.
GIVERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.AvgPool1d,
          nn.AvgPool2d, nn.AvgPool3d, SumPool2d)  # fmt: skip


def rates_only(hook: Any) -> Any:
    """Mark a forward hook of a neuron that takes nothing but the mean of its output: layers may still be fused."""
    hook.rates_only = True
    return hook


def gives_away(before: nn.Module | None, neuron: nn.Module) -> bool:
    """Whether what `before` gave to the neuron is the neuron's to overwrite: nobody else can see it."""
    return _is_neuron(neuron) and type(before) in GIVERS and not _watched(before) and not _watched(neuron)


def window(neuron: nn.Module, after: nn.Module | None) -> Pooling | None:
    """The pooling that follows a neuron, if the neuron can do it itself."""
    if not _is_neuron(neuron) or type(after) not in (nn.AvgPool2d, SumPool2d):
        return None
    if _watched(neuron) or _watched(after):
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


def _watched(layer: nn.Module) -> bool:
    hooks = [*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()]
    hooks += [*layer._backward_hooks.values(), *layer._backward_pre_hooks.values()]
    everywhere = torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks
    return bool(everywhere) or not all(getattr(hook, "rates_only", False) for hook in hooks)
