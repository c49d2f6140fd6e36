"""The product's side of every case, built and called as a user would."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.benchmarks.cases import Case
from snnctl.benchmarks.workload import Passes, event_list, inputs, passes
from snnctl.datasets.facts import Facts
from snnctl.networks import Network, Recurrent, init_rates
from snnctl.neurons import ALIF, LIF, CubaLIF

DT = 1e-3  # s
TAU = 20e-3  # s
ACTIVE = 0.04, 0.06  # spikes a neuron and step; with torch's own weights the networks would hardly fire
FEW = 16  # samples that the rates are set on


def build(case: Case, backend: str | None = None) -> nn.Module:
    """The layer or network of a case.

    Args:
        case: the workload.
        backend: given to every layer with a state; None leaves each its own choice.
    """
    torch.manual_seed(0)
    module = globals()[case.family](case)
    for layer in module.modules():
        if backend is not None and getattr(layer, "temporal", False):
            layer.backend = backend
    if case.task == "training":
        init_rates(module, inputs(case)[:, :FEW], *ACTIVE)
    return module


def onb(case: Case) -> Network:
    """Linear, then LIF."""
    layers = {"fc": partial(nn.Linear, out_features=case.neurons), "lif": partial(LIF, tau_mem=TAU)}
    return Network(layers, Facts(case.shape, (), DT, case.steps))


def lif(case: Case) -> LIF:
    """A layer by itself."""
    return LIF(tau_mem=TAU)


def cuba(case: Case) -> CubaLIF:
    """A layer by itself."""
    return CubaLIF(tau_mem=TAU, tau_syn=5e-3)


def alif(case: Case) -> ALIF:
    """A layer by itself."""
    return ALIF(tau_mem=TAU, tau_adapt=200e-3)


def rlif(case: Case) -> Recurrent:
    """A recurrent layer by itself."""
    return Recurrent(partial(LIF, tau_mem=TAU), shape=case.shape)


def shd(case: Case) -> Network:
    """Linear, recurrent LIF, linear readout."""
    layers = {
        "fc": partial(nn.Linear, out_features=case.neurons),
        "lif": partial(Recurrent, neuron=partial(LIF, tau_mem=TAU)),
        "readout": nn.Linear,
    }
    return Network(layers, _facts(case))


def conv(case: Case) -> Network:
    """Convolution, LIF and pool, as often as there are widths, then a linear readout."""
    layers: dict[str, Any] = {}
    for i, width in enumerate(case.widths, 1):
        layers[f"conv{i}"] = partial(nn.Conv2d, out_channels=width, kernel_size=3, padding=1)
        layers[f"lif{i}"] = partial(LIF, tau_mem=TAU)
        layers[f"pool{i}"] = partial(nn.AvgPool2d, kernel_size=2)
    return Network({**layers, "flatten": nn.Flatten, "readout": nn.Linear}, _facts(case))


def _facts(case: Case) -> Facts:
    return Facts(case.shape, tuple(map(str, range(case.classes))), DT, case.steps)


def call(case: Case, module: nn.Module) -> Callable[[Any], Tensor]:
    """How the module of a case is called: x -> spikes, or in a training step the readout summed over time."""
    if not isinstance(module, Network):
        return lambda x: module(x, dt=DT)[0]
    if case.task == "training":
        return lambda x: module(x)[0].sum(0)
    return lambda x: module(x)[0]


def run(case: Case, backend: str | None = None) -> Passes:
    """The passes of a case; a network of the family shd takes its events as the data loader lists them."""
    module = build(case, backend)
    x = event_list(inputs(case)) if case.family == "shd" else None
    return passes(case, call(case, module), module.parameters(), x=x)._replace(module=module)


def firing_rates(case: Case, module: nn.Module) -> dict[str, float]:
    """Spikes a neuron and step of each spiking layer on the case's input: the speed of a silent network means nothing.

    Args:
        case: the workload.
        module: as built for it.
    """
    layers = module.temporal_layers() if isinstance(module, Network) else {case.family: module}
    found: dict[str, float] = {}

    def count(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, args: Any, output: tuple[Tensor, Any]) -> None:
            found[name] = output[0].mean().item()

        return hook

    hooks = [layer.register_forward_hook(count(name)) for name, layer in layers.items() if layer.spiking]
    try:
        with torch.no_grad():
            call(case, module)(inputs(case))
    finally:
        for hook in hooks:
            hook.remove()
    return found
