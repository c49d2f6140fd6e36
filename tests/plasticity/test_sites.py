"""Where rules act: the layers that a name means, and what is said where there are none."""

from __future__ import annotations

from functools import partial

import pytest
from torch import nn

from snnctl.errors import UserError
from snnctl.networks import Chain, Delay, Network
from snnctl.neurons import LI, LIF
from snnctl.plasticity import PairSTDP
from snnctl.plasticity.sites import sites
from tests.networks.presets import data

LINEAR = partial(nn.Linear, out_features=4)


def network(**layers) -> Network:
    readout = {"classes": nn.Linear, "readout": partial(LI, tau_mem=20e-3)}
    return Network({**layers, **readout}, data((6,), 3))


def named(net: Network, synapses) -> list[tuple[str, str]]:
    return [(s.synapses, s.neurons) for s in sites(net, {"a": PairSTDP(synapses=synapses)})]


def test_synapses_meet_the_next_neurons_that_spike():
    lif = partial(LIF, tau_mem=20e-3)
    inner = partial(Chain, {"fc": LINEAR, "lif": lif})
    net = network(first=LINEAR, late=partial(Delay, delay=1e-3), lif=lif, block=inner)
    assert named(net, "first") == [("first", "lif")]
    assert named(net, "*") == [("first", "lif"), ("block.fc", "block.lif")]  # the readout does not spike
    assert named(net, ["block.*"]) == [("block.fc", "block.lif")]


@pytest.mark.parametrize(
    ("synapses", "message"),
    [
        ("frist", "did you mean   first"), ("classes", "no spiking neurons behind classes"),
        ("lif", "LIF. has no plastic weights"), ("readout*", "none of readout"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(synapses, message):
    net = network(first=LINEAR, lif=partial(LIF, tau_mem=20e-3))
    with pytest.raises(UserError, match=message):
        named(net, synapses)


def test_pooling_between_synapses_and_neurons_is_refused():
    layers = {"conv": partial(nn.Conv2d, out_channels=2, kernel_size=3), "pool": partial(nn.AvgPool2d, 2), "lif": LIF}
    net = Network({**layers, "flatten": nn.Flatten, "classes": nn.Linear}, data((1, 8, 8), 3))
    with pytest.raises(UserError, match=r"\(2, 6, 6\) and the spikes of lif are \(2, 3, 3\)"):
        named(net, "conv")
