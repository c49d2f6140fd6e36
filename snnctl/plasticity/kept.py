"""Thresholds that neurons keep from sample to sample: what their adaptation has risen by becomes a weight of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from snnctl.errors import UserError, did_you_mean
from snnctl.neurons.alif import ALIF

if TYPE_CHECKING:
    from snnctl.networks.network import Network


class KeptThresholds:
    """The intrinsic homeostasis of Diehl and Cook: theta, by which spikes raise a threshold, is learned.

        theta <- adapt_decay theta + sum_b s_b      at each step; all samples of a batch see one theta
        threshold <- threshold_0 + beta theta       kept between samples and in the trained network

    Args:
        network: of the run, untrained.
        layers: dotted names of layers of `ALIF` neurons (or of a `WinnerTakeAll` of them) with one threshold a neuron.

    Raises:
        UserError: there is no such layer, or its neurons have no thresholds of their own.

    Source: P. U. Diehl, M. Cook 2015, doi:10.3389/fncom.2015.00099; that samples share it: BindsNET.
    """

    def __init__(self, network: Network, layers: Sequence[str] = ()):
        known = network.temporal_layers()
        self.dt = network.dt
        self.neurons: dict[str, ALIF] = {}
        self.base: dict[str, torch.Tensor] = {}
        for name in layers:
            if name not in known:
                raise UserError(f"regime.keep: no layer is called {name!r}", did_you_mean(name, known))
            neuron = getattr(known[name], "neuron", known[name])
            if not isinstance(neuron, ALIF):
                raise UserError(
                    f"regime.keep: {name} is a {type(neuron).__name__}, which has no adaptation", "use   neuron=alif"
                )
            if not isinstance(neuron.threshold, nn.Parameter) or neuron.per != "neuron":
                raise UserError(
                    f"regime.keep: the neurons of {name} share one threshold",
                    "set   per: neuron   and   learnable: [threshold]   in its neuron",
                )
            neuron.threshold.requires_grad_(False).plastic = True
            self.neurons[name] = neuron
            self.base[name] = neuron.threshold.detach().clone()

    def share(self, state: Any, before: Any) -> Any:
        """The network's state after a step, with one theta for all samples of the batch; before: that of the step."""
        for name, neuron in self.neurons.items():
            path = name.split(".")
            inner = at(state, path)
            decay = neuron.coefficients(self.dt).adapt_decay
            old = at(before, path).a if before else torch.zeros_like(inner.a)
            shared = decay * old + (inner.a - decay * old).sum(0)
            state = replaced(state, path, inner._replace(a=shared.expand_as(inner.a)))
        return state

    def fold(self, state: Any, steps: int, shared: bool) -> None:
        """At a sequence's end theta moves into the thresholds.

        Args:
            state: of the network after the last step. steps: T.
            shared: whether the state came through `share`.
        """
        for name in self.neurons:
            a = at(state, name.split(".")).a
            self.raised(name, a[0] if shared else a.sum(0), steps)

    def raised(self, name: str, theta: torch.Tensor, steps: int) -> None:
        """Thresholds after `steps` steps that have added `theta` (N,) to them."""
        neuron, base = self.neurons[name], self.base[name].to(theta.device)
        kept = neuron.coefficients(self.dt).adapt_decay ** steps
        with torch.no_grad():
            neuron.threshold.copy_(base + kept * (neuron.threshold - base) + neuron.beta * theta)


def at(state: Any, path: Sequence[str]) -> Any:
    """The neuron's own state in that of a network, by the dotted name of its layer."""
    for name in path:
        state = (state if isinstance(state, dict) else state.layers)[name]
    return getattr(state, "neuron", state)


def replaced(state: Any, path: Sequence[str], inner: Any) -> Any:
    """The state of a network with that of one neuron replaced."""
    if not path:
        return state._replace(neuron=inner) if hasattr(state, "neuron") else inner
    if isinstance(state, dict):
        return {**state, path[0]: replaced(state[path[0]], path[1:], inner)}
    return state._replace(layers={**state.layers, path[0]: replaced(state.layers[path[0]], path[1:], inner)})
