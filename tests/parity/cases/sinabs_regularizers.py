"""Sinabs' hooks, which its users put into the loss: synaptic operations and firing rates.

Not proven: operations behind an average pool, which Sinabs counts as if the pool summed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snnctl.losses import L1Sparsity
from snnctl.losses.loss import mean
from snnctl.networks import Network
from snnctl.regimes.watching import Watch
from tests.parity.frameworks import guard
from tests.parity.loss_drive import spikes, with_gradient
from tests.parity.parity import Inputs, Parity, Traces


class _Facts:
    shape, dt, classes = (2, 5, 6), 1e-3, ()


def frames() -> Inputs:
    """x (6, 2, 2, 5, 6), event counts."""
    return {"x": torch.poisson(torch.full((6, 2, 2, 5, 6), 0.3), generator=torch.Generator().manual_seed(0))}


def _layers(**options: int) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3, **options)
    features = conv(torch.zeros(1, 2, 5, 6)).numel()
    return {"conv": conv, "relu": nn.ReLU(), "flatten": nn.Flatten(), "out": nn.Linear(features, 3)}


def _theirs(given: Inputs, **options: int) -> Traces:
    guard()
    from sinabs.hooks import register_synops_hooks

    network = nn.Sequential(*_layers(**options).values())
    register_synops_hooks(network)

    def total(x: Tensor) -> Tensor:
        network(x.flatten(0, 1))
        return network.hook_data["total_synops_per_timestep"]

    return with_gradient(given, total)


def _mine(given: Inputs, **options: int) -> Traces:
    network = Network(_layers(**options), _Facts())
    watch = Watch(network, {"operations"})

    def total(x: Tensor) -> Tensor:
        watch.begin(x.shape[1])
        network(x)
        length = torch.full(x.shape[1:2], len(x))
        return sum(mean(count, length).mean() for count in watch.seen("operations").values())

    return with_gradient(given, total)


def _synops(setting: str, **options: int) -> Parity:
    return Parity(
        "sinabs.hooks.register_synops_hooks", "regularizer=synapse_budget (what it reads)", setting, frames,
        lambda given: _theirs(given, **options), lambda given: _mine(given, **options),
    )  # fmt: skip


def _their_rate(given: Inputs, name: str) -> Traces:
    guard()
    from sinabs import hooks

    module = nn.Identity()
    module.register_forward_hook(getattr(hooks, f"{name}_hook"))

    def rate(x: Tensor) -> Tensor:
        module(x)
        return module.hook_data[name].square().sum()

    return with_gradient(given, rate)


def _my_rate(given: Inputs, per_neuron: bool) -> Traces:
    length = torch.full(given["target"].shape, len(given["x"]))
    if per_neuron:
        return with_gradient(given, lambda x: mean(x, length).mean(0).square().sum())
    return with_gradient(given, lambda x: L1Sparsity(weight=1.0)({"out": x}, length).square())


CASES = [
    _synops("defaults"),
    _synops("stride=2,padding=1", stride=2, padding=1),
    _synops("groups=2", groups=2),
    Parity(
        "sinabs.hooks.firing_rate_hook", "regularizer=l1_sparsity", "defaults", spikes(),
        lambda given: _their_rate(given, "firing_rate"), lambda given: _my_rate(given, False),
    ),
    Parity(
        "sinabs.hooks.firing_rate_per_neuron_hook", "regularizer=l2_rate (what it squares)", "defaults", spikes(),
        lambda given: _their_rate(given, "firing_rate_per_neuron"), lambda given: _my_rate(given, True),
    ),
]  # fmt: skip
