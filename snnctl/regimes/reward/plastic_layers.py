"""Which weights of a network a local rule can change, and the spikes on both sides of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from snnctl.errors import UserError, did_you_mean
from snnctl.networks.chain import Chain
from snnctl.networks.folding import over_time
from snnctl.networks.network import Network
from snnctl.neurons.escape_lif import EscapeLIF


class Activity(NamedTuple):
    """What a plastic layer saw and led to over an observation.

    Args:
        pre: (T, B, I) its input. post: (T, B, O) spikes of the neurons behind it.
        chance: (T, B, O) the probability of each, of neurons that fire by chance; else None.
    """

    pre: Tensor
    post: Tensor
    chance: Tensor | None


class PlasticLayers:
    """The linear layers of a plain chain that spiking neurons follow.

    Args:
        network: what learns.
        chosen: dotted names of the layers that change; None: all linear layers.
        chances: whether their neurons must fire by chance.

    Raises:
        UserError: there is no such layer, no spikes follow it, or layers are not one after the other.

    Attributes:
        weights: name -> weight (O, I) of each plastic layer. last: name of the one that gives the actions.
    """

    def __init__(self, network: Network, chosen: Sequence[str] | None = None, chances: bool = False):
        self.network = network
        self.walk = [(name, layer) for name, layer, _ in network.walk()]
        if odd := _not_plain(network):
            raise UserError(
                f"a reward rule runs layers one after the other, layer {odd} is a {type(_at(network, odd)).__name__}",
                "choose   network=mlp, or another regime",
            )
        linear = {name: k for k, (name, layer) in enumerate(self.walk) if isinstance(layer, nn.Linear)}
        for name in chosen or ():
            if name not in linear:
                raise UserError(f"regime.layers: {name} is no linear layer", did_you_mean(name, linear))
        self.neurons: dict[str, nn.Module] = {}
        for name in linear if chosen is None else chosen:
            following = self.walk[linear[name] + 1][1] if linear[name] + 1 < len(self.walk) else None
            if not getattr(following, "spiking", False):
                raise UserError(
                    f"layer {name} is followed by {type(following).__name__}, a reward rule needs spikes behind it",
                    "for spiking outputs   neuron@network.readout=lif loss=spike_count\n"
                    "or leave it out       regime.layers=[...]",
                )
            if chances and not isinstance(following, EscapeLIF):
                raise UserError(
                    f"layer {name} is followed by {type(following).__name__}, this rule needs neurons that fire by "
                    "chance",
                    "choose   neuron=escape_lif neuron@network.readout=escape_lif",
                )
            self.neurons[name] = following
        if not self.neurons:
            raise UserError("the network has no linear layer that a reward rule could change", "network=mlp")
        self.weights = {name: self.walk[linear[name]][1].weight for name in self.neurons}
        last = self.walk[-1][1]
        self.last = next((name for name, neuron in self.neurons.items() if neuron is last), None)
        self.chances = chances

    def run(self, x: Tensor) -> tuple[Tensor, dict[str, Activity]]:
        """The network over an observation (T, B, ...), from rest: out (T, B, actions), and the plastic layers'."""
        found: dict[str, Activity] = {}
        waiting, pre = "", x
        for name, layer in self.walk:
            if name in self.neurons:
                waiting, pre = name, x
                x = over_time(layer, x, True)
                continue
            chance = None
            if waiting and self.chances:
                x, chance = layer.drawn(x, dt=self.network.dt)
            elif getattr(layer, "temporal", False):
                x = layer(x, None, dt=self.network.dt)[0]
            else:
                x = over_time(layer, x, True)
            if waiting:
                found[waiting], waiting = Activity(pre, x, chance), ""
        return x, found


def _not_plain(network: Network) -> str:
    """The first container that does more than run its layers in order; empty where there is none."""
    for name, module in network.named_modules():
        if isinstance(module, Chain) and name and type(module).forward is not Chain.forward:
            return name
    return next(
        (n for n, layer, _ in network.walk() if not isinstance(layer, Chain) and hasattr(layer, "feedback")), ""
    )


def _at(network: Network, name: str) -> nn.Module:
    try:
        return network.get_submodule(name)
    except AttributeError:
        return next(layer for n, layer, _ in network.walk() if n == name)
