"""Hooks on what is run step by step: each is called once, with all steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def watched(layer: nn.Module) -> bool:
    """Whether somebody looks on while the layer is called."""
    return "forward" in vars(layer) or any(getattr(layer, name) for name in HOOKS)


class Told:
    """Layers without a state of a cycle, and what they got and gave step by step, while somebody looks on."""

    def __init__(self):
        self.calls: dict[int, tuple[nn.Module, list[Tensor], list[Tensor]]] = {}

    def step(self, layer: nn.Module, x: Tensor) -> Tensor:
        """One step (B, ...) of the layer, of which its hooks hear later."""
        if not watched(layer):
            return layer(x)
        y = type(layer).forward(layer, x)
        _, given, found = self.calls.setdefault(id(layer), (layer, [], []))
        given.append(x)
        found.append(y)
        return y

    def tell(self) -> None:
        """Call the hooks of every layer with all steps, (T B, ...)."""
        for layer, given, found in self.calls.values():
            x, y = torch.cat(given), torch.cat(found)
            _as_if(layer, y, x)


def tell(layer: nn.Module, x: Tensor, state: Any, out: Tensor, after: Any, dt: float) -> Tensor:
    """What the layer gave over all steps, once those who look on have seen it.

    Args:
        layer: with a state.
        x: what it got, (T, B, ...). state: before the first step.
        out: what it gave, (T, B, ...). after: its state after the last step.
        dt: step width, s.
    """
    if "forward" in vars(layer):  # it is run by somebody else, on the same input
        return layer(x, state, dt=dt)[0]
    return _as_if(layer, (out, after), x, state, dt=dt)[0]


def _as_if(layer: nn.Module, given: Any, x: Tensor, *rest: Any, **options: Any) -> Any:
    """Call a layer that gives this for x. A hook may call it again with something else."""
    before = vars(layer).get("forward")

    def forward(*args: Any, **more: Any) -> Any:
        return given if args and args[0] is x else type(layer).forward(layer, *args, **more)

    layer.forward = before or forward
    try:
        return layer(x, *rest, **options)
    finally:
        if before is None:
            del layer.forward
