"""Networks and batches that the tests of online rules learn on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.networks import Network, Recurrent
from snnctl.regimes.online.online import Gradients, Online

SGD = partial(torch.optim.SGD, lr=0.1)


def facts(steps: int | None = 12, inputs: int = 5) -> Facts:
    return Facts((inputs,), ("a", "b", "c"), 1e-3, steps)


def network(*neurons: Callable, sizes: tuple[int, ...] = (6, 4), steps: int | None = 12, readout=None) -> Network:
    """Linear layers with neurons behind them, then a linear readout and what may follow it; in float64."""
    torch.manual_seed(0)
    layers = {}
    for i, (neuron, size) in enumerate(zip(neurons, sizes, strict=False)):
        layers |= {f"fc{i}": partial(nn.Linear, out_features=size), f"n{i}": neuron}
    layers |= {"out": nn.Linear, "readout": readout}
    return Network(layers, facts(steps)).double()


def recurrent(neuron: Callable, **options) -> Callable:
    return partial(Recurrent, neuron=neuron, **options)


def batch(steps: int = 12, lengths: tuple[int, ...] = (12, 7, 3, 12)) -> Batch:
    draw = torch.Generator().manual_seed(1)
    x = torch.rand(steps, len(lengths), 5, generator=draw, dtype=torch.float64) * 3
    return Batch(x, torch.arange(len(lengths)) % 3, torch.tensor(lengths), torch.arange(len(lengths)))


def apart(a: Gradients, b: Gradients) -> float:
    """The largest difference of two sets of gradients, as a share of each parameter's largest."""
    assert set(map(id, a)) == set(map(id, b))
    return max(((a[p] - b[p]).abs().max() / b[p].abs().max().clamp(min=1e-12)).item() for p in b)


def of_network(rule: Online, gradients: Gradients) -> Gradients:
    """Without what belongs to the rule itself."""
    own = {id(p) for p in rule.network.parameters()}
    return {p: g for p, g in gradients.items() if id(p) in own}
