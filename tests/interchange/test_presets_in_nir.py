"""Every network that has a YAML is written, read and runs the same, or says which layer NIR cannot express."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.errors import UserError
from snnctl.interchange import graph_of
from snnctl.networks import Network
from tests.interchange.run import compare, through_a_file
from tests.networks.presets import CONFIGS, data, preset

NAMES = sorted(p.relative_to(CONFIGS / "network").as_posix()[:-5] for p in (CONFIGS / "network").rglob("*.yaml"))
NAMES = [name for name in NAMES if name not in ("own", "nir")]  # have no layers of their own
SMALL = {
    "conv": ["network.channels=[4,6]"],
    "delays": ["network.hidden=[8,7]", "network.longest=6e-3"],
    "residual": ["network.channels=[4,6,6]"],
    "zoo/sew_resnet18": [f"network.channels={[4, 4, 6, 6, 6, 6, 8, 8]}"],
    "zoo/vgg11": ["network.channels=[4,4,4,4,4]", "network.hidden=[8,8]"],
    "zoo/vgg16": ["network.channels=[4,4,4,4,4]", "network.hidden=[8,8]"],
    "zoo/synnet": ["neuron=cuba_lif", "network.hidden=[10,9]", "network.constants=[2,4]"],
}
REFUSED = {  # the layer, and what it is
    "associative": r"layer memory\.0\.memory \(AssociativeLeaky\)",
    "attention": r"layer features\.0\.attention \(MultiDimensionalAttention\)",
    "conv_lstm": r"layer lstm\.0\.cells \(SConvLSTM\)",
    "stochastic": r"layer hidden\.0\.synapses \(StochasticLinear\)",
    "vgg": r"layer stages\.0\.pool \(MaxPool2d\)",
    "zoo/diehl_cook": r"layer loop\.exc \(WinnerTakeAll\)",
    "zoo/sew_resnet18": r"layer pool \(MaxPool2d\)",
    "zoo/spikformer": r"layer pooled\.0\.pool \(MaxPool2d\)",
    "zoo/vgg11": r"layer stages\.0\.pool \(MaxPool2d\)",
    "zoo/vgg16": r"layer stages\.0\.pool \(MaxPool2d\)",
    "zoo/wavesense": r"layer neuron: MultiSynapse",
}


def lively(network: nn.Module) -> nn.Module:
    """Weights at which most layers fire, and norms that have seen something."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith("weight") and p.dim() > 1:
                p.mul_(3)
        for layer in network.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.running_mean.normal_(0, 0.2, generator=generator)
                layer.running_var.uniform_(0.5, 2, generator=generator)
                layer.bias.normal_(0.3, 0.3, generator=generator)
    return network.eval()


def built(name: str, *overrides: str) -> Network:
    torch.manual_seed(0)
    facts = data((12,) if name in ("zoo/synnet", "zoo/wavesense") else (2, 32, 32), 10)
    return preset(facts, f"network={name}", "neuron.reset=zero", "backend=eager", *SMALL.get(name, ()), *overrides)


@pytest.mark.parametrize("name", sorted(set(NAMES) - REFUSED.keys()))
def test_it_comes_back_the_same(name, tmp_path):
    network = lively(built(name))
    circuit = through_a_file(network, tmp_path / "a.nir")
    rates = compare(network, circuit, torch.poisson(torch.full((20, 2, *network.facts.shape), 0.5)))
    assert all(0.01 < rates[n] < 0.9 for n, neuron in circuit.populations.items() if neuron.spiking), rates
    assert circuit.assumed == () and circuit.dt == network.dt


@pytest.mark.parametrize("name", REFUSED)
def test_it_says_which_layer_cannot_be(name):
    with pytest.raises(UserError, match=rf"^{REFUSED[name]}: NIR has no node for it"):
        graph_of(built(name))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("vgg", ["network.channels=[3,4]", "network.layers.stages.layers.pool._target_=torch.nn.AvgPool2d"]),
        (
            "zoo/sew_resnet18",
            [
                "network.layers.pool={_target_: snnctl.networks.SumPool2d, kernel_size: 3, stride: 2, padding: 1}",
                "neuron.threshold=0.5",
            ],
        ),
    ],
)
def test_with_a_pooling_that_nir_has(name, changed, tmp_path):
    network = lively(built(name, *changed))
    circuit = through_a_file(network, tmp_path / "a.nir")
    rates = compare(network, circuit, torch.poisson(torch.full((8, 1, *network.facts.shape), 0.5)))
    assert min(rates.values()) > 0.01, rates
