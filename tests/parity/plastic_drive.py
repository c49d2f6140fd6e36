"""What the plasticity rules of a proof are given, and the weights that they lead to, step by step."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

from snnctl.networks import Local1d, Local2d, Local3d
from snnctl.plasticity import Rule
from snnctl.plasticity.connections import changed
from tests.parity.parity import Inputs, Traces

LAYERS = {"Linear": nn.Linear, "Conv1d": nn.Conv1d, "Conv2d": nn.Conv2d, "Conv3d": nn.Conv3d}
LOCAL = {"Local1d": Local1d, "Local2d": Local2d, "Local3d": Local3d}
SIDES = (7, 6, 5)


def layer_of(kind: str, channels: int = 1, stride: int = 1, padding: int = 0) -> tuple[nn.Module, tuple, tuple]:
    """A layer without bias, and the shapes of one step before and behind it."""
    if kind == "Linear":
        return nn.Linear(6, 4, bias=False), (6,), (4,)
    shape = (channels, *SIDES[: int(kind[-2])])
    if kind in LOCAL:
        layer = LOCAL[kind](shape, 3, 2, stride, bias=False)
        return layer, shape, (3, *layer.places)
    layer = LAYERS[kind](channels, 3, 2, stride, padding, bias=False)
    return layer, shape, tuple(layer(torch.zeros(1, *shape)).shape[1:])


def spikes(layer: tuple[nn.Module, tuple, tuple], steps: int = 30, batch: int = 3) -> Callable[[], Inputs]:
    """() -> pre, post (T, B, ...), spikes; w in 0.25 to 0.75, as the layer has it."""

    def inputs() -> Inputs:
        module, before, behind = layer
        draw = torch.Generator().manual_seed(prod(module.weight.shape))
        pre, post = ((torch.rand(steps, batch, *shape, generator=draw) < 0.3).float() for shape in (before, behind))
        return {"pre": pre, "post": post, "w": torch.rand(module.weight.shape, generator=draw) * 0.5 + 0.25}

    return inputs


def learned(given: Inputs, module: nn.Module, rule: Rule, dt: float = 1e-3, at_once: bool = False) -> Traces:
    """The weights after each step; or, `at_once`, the change that all steps add up to at the first weights."""
    w = given["w"].clone()
    module.weight.data.copy_(w)
    coefs, state = rule.coefficients(dt), rule.initial_state(given["pre"][0], given["post"][0])
    batch, found = given["pre"].shape[1], []
    for pre, post in zip(given["pre"], given["post"], strict=True):
        terms, state = rule.step(pre, post, state, coefs)
        after = changed(module, rule, terms, batch)[0]
        if at_once:
            found.append(after - w)
        else:
            module.weight.data.copy_(after)
            found.append(after.clone())
    return {"dw": torch.stack(found).sum(0)} if at_once else {"w": torch.stack(found)}


def stacked(weights: list[Tensor]) -> Traces:
    """The same of a framework's weights."""
    return {"w": torch.stack(weights)}
