"""Weights scaled on data, so that every spiking layer begins to fire at a useful rate."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.chain import Chain

TRIES = 40


class Rate(NamedTuple):
    """What was done for one spiking layer.

    Args:
        layer: the spiking layer. scaled: the layer before it whose weights were scaled, or "" where there is none.
        factor: what they were multiplied with.
        before, after: spikes a neuron and step.
        reached: whether `after` lies in the range.
    """

    layer: str
    scaled: str
    factor: float
    before: float
    after: float
    reached: bool


class _Reached(Exception):
    """Ends a run at the layer that is looked at."""


def init_rates(
    network: Chain, x: Any, low: float = 0.02, high: float = 0.2, length: Tensor | None = None
) -> list[Rate]:
    """Scale weights until each spiking layer fires at a rate in [low, high] on a batch.

    From the first spiking layer to the last: the nearest layer before it that has weights (of a norm its gain and
    shift, else weight and bias) is multiplied with a factor, found by doubling or halving and then by bisection of its
    logarithm. Nothing is drawn at random: dropout is off, and the running averages of norms are as before when it is
    done.

    Args:
        network: changed in place.
        x: (T, B, *shape), one batch of inputs, or a list of events.
        low, high: spikes a neuron and step.
        length: (B,) valid steps of each sample; None: all.

    Returns:
        One row a spiking layer. A layer that cannot be brought into the range is left at the best factor found, with
        `reached` False.

    Raises:
        UserError: low and high are no range within (0, inf).
    """
    if not 0 < low < high:
        raise UserError(f"init_rates: [{low}, {high}] is no range of rates", "give   0 < low < high (spikes a step)")
    x = x if isinstance(x, Tensor) else x.dense()
    steps = torch.arange(x.shape[0], device=x.device)[:, None]
    valid = torch.ones(x.shape[:2], device=x.device) if length is None else (steps < length.to(x.device)).float()
    modes = [(m, m.training) for m in network.modules()]
    buffers = {name: b.clone() for name, b in network.named_buffers()}
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    try:
        with torch.no_grad():
            spiking = {n: layer for n, layer in network.temporal_layers().items() if getattr(layer, "spiking", False)}
            return [_scale(network, x, valid, name, layer, low, high) for name, layer in spiking.items()]
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(buffers[name])


def _scale(network: Chain, x: Tensor, valid: Tensor, name: str, layer: nn.Module, low: float, high: float) -> Rate:
    feeding, weights = _feeding(network, layer)
    start = [w.clone() for w in weights]

    def rate(factor: float) -> float:
        for w, w0 in zip(weights, start, strict=True):
            w.copy_(w0 * factor)
        return _rate(network, layer, x, valid)

    before = rate(1.0)
    tried = {1.0: before}
    factor, below, above = 1.0, None, None
    while weights and not low <= tried[factor] <= high and len(tried) < TRIES:
        if tried[factor] < low:
            below = factor
        else:
            above = factor
        factor = 2 * below if above is None else above / 2 if below is None else (below * above) ** 0.5
        tried[factor] = rate(factor)
    best = min(tried, key=lambda f: max(low - tried[f], tried[f] - high, 0.0))
    if best != factor:
        tried[best] = rate(best)
    return Rate(name, feeding, best, before, tried[best], low <= tried[best] <= high)


def _feeding(network: Chain, layer: nn.Module) -> tuple[str, list[Tensor]]:
    """The nearest layer with weights before a spiking layer, by name, and what to scale in it."""
    name, weights = "", []
    for candidate, module, _ in network.walk():
        if module is layer:
            break
        if getattr(module, "spiking", False):  # weights before it are its own to scale
            name, weights = "", []
        elif isinstance(getattr(module, "weight", None), nn.Parameter) and not candidate.endswith("shortcut"):
            bias = getattr(module, "bias", None)
            name, weights = candidate, [module.weight, *([bias] if isinstance(bias, nn.Parameter) else [])]
    return name, weights


def _rate(network: Chain, layer: nn.Module, x: Tensor, valid: Tensor) -> float:
    """Spikes a neuron and valid step of one layer; the run ends there."""
    found: list[Tensor] = []

    def hook(module: nn.Module, args: Any, output: tuple[Tensor, Any]) -> None:
        found.append(output[0].flatten(2).mean(2) if output[0].dim() > 2 else output[0])
        raise _Reached

    handle = layer.register_forward_hook(hook)
    try:
        network(x)
    except _Reached:
        pass
    finally:
        handle.remove()
    return float((found[0] * valid).sum() / valid.sum())
