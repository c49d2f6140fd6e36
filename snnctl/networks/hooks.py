"""Whether anybody looks on while a layer is called; where nobody does, its call may be replaced by a faster one."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules import module as torch_module

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def rates_only(hook: Any) -> Any:
    """Mark a hook of a neuron that takes nothing but the mean of its output: layers may still be fused."""
    hook.rates_only = True
    return hook


def unhooked(layer: nn.Module, *, but_rates: bool = False) -> bool:
    """Whether calling a layer runs its class's `forward` and nothing else.

    Args:
        layer: its own hooks, those on every module, and a `forward` set on the instance count.
        but_rates: hooks marked `rates_only` do not count.
    """
    if "forward" in vars(layer) or any(getattr(torch_module, f"_global{name}") for name in _HOOKS):
        return False
    hooks = (hook for name in _HOOKS for hook in getattr(layer, name).values())
    return all(but_rates and getattr(hook, "rates_only", False) for hook in hooks)
