"""Where rules act in a network: layers with weights, and the spiking neurons behind each."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from snnctl.errors import UserError, did_you_mean
from snnctl.plasticity.connections import PLASTIC
from snnctl.plasticity.rule import Rule

if TYPE_CHECKING:
    from snnctl.networks.network import Network


class Site(NamedTuple):
    """Synapses that learn.

    Args:
        synapses: dotted name of the layer with the weights. layer: it.
        neurons: dotted name of the spiking layer behind. behind: it.
        rule: how they learn.
    """

    synapses: str
    layer: nn.Module
    neurons: str
    behind: nn.Module
    rule: Rule


def sites(network: Network, rules: dict[str, Rule]) -> list[Site]:
    """All places that rules act in, in the order of the layers.

    Args:
        network: of the run.
        rules: name -> rule, whose `synapses` names layers.

    Raises:
        UserError: a name fits no layer; a layer has no plastic weights; what follows it does not spike, or has another
            shape.
    """
    walked = list(network.walk())
    found = []
    for key, rule in rules.items():
        patterns = [rule.synapses] if isinstance(rule.synapses, str) else list(rule.synapses)
        own = []
        for pattern in patterns:
            named = [i for i, (name, *_) in enumerate(walked) if fnmatch(name, pattern)]
            if not named:
                problem = f"regime.rules.{key}.synapses: no layer is called {pattern!r}"
                raise UserError(problem, did_you_mean(pattern, [n for n, m, _ in walked if isinstance(m, PLASTIC)]))
            exact = not any(c in pattern for c in "*?[")
            own += [site for i in named if (site := _site(walked, i, key, rule, exact)) is not None]
        if not own:
            raise UserError(
                f"regime.rules.{key}: none of {rule.synapses} is a layer with weights before spiking neurons",
                f"plastic are    {', '.join(kind.__name__ for kind in PLASTIC)}, each before neurons that spike",
            )
        found += own
    order = {name: i for i, (name, *_) in enumerate(walked)}
    return sorted(found, key=lambda site: order[site.synapses])


def _site(walked: list, i: int, key: str, rule: Rule, exact: bool) -> Site | None:
    name, layer, shape = walked[i]
    if not isinstance(layer, PLASTIC):
        if exact:
            kinds = ", ".join(kind.__name__ for kind in PLASTIC)
            raise UserError(
                f"regime.rules.{key}: layer {name} ({type(layer).__name__}) has no plastic weights",
                f"choose from    {kinds}",
            )
        return None
    for behind, module, after in walked[i + 1 :]:
        if getattr(module, "spiking", False):
            if tuple(after) != tuple(shape):
                raise UserError(
                    f"regime.rules.{key}: {name} gives {tuple(shape)} and the spikes of {behind} are {tuple(after)}",
                    "a plastic layer stands right before its neurons; put pooling behind them",
                )
            return Site(name, layer, behind, module, rule)
        passes = not getattr(module, "temporal", False) or hasattr(module, "delay")
        if isinstance(module, PLASTIC) or not passes:
            break
    if exact:
        raise UserError(
            f"regime.rules.{key}: no spiking neurons behind {name}: plasticity reads the spikes of both sides",
            "give the layer neurons that spike (neuron=lif), or train it by a gradient: leave it out of synapses",
        )
    return None
