"""The networks of configs/ as ANNs, with ReLUs, converted."""

from __future__ import annotations

import pytest
import torch

from snnctl.config import build, compose
from snnctl.conversion import Conversion, from_network
from snnctl.datasets.facts import Facts

FACTS = Facts((2, 16, 16), ("a", "b", "c"), 1e-3, 1)
SMALLER = {
    "mlp": ["network.hidden=[32,16]"],
    "conv": ["network.channels=[6,8]"],
    "residual": ["network.channels=[6,8]", "network.strides=[1,2]"],
    "vgg": ["network.channels=[6,8]", "network.depth=1", "network.hidden=16"],
}


@pytest.mark.parametrize("name", SMALLER)
def test_after_enough_steps_they_give_what_the_ann_gave(name):
    torch.manual_seed(0)
    network = build(compose(None, [f"network={name}", "neuron=relu", *SMALLER[name]]).network)(facts=FACTS)
    x = torch.randn(8, *FACTS.shape) + torch.randn(8, 2, 1, 1)
    network.train()(torch.randn(1, 64, *FACTS.shape))  # statistics for its norms
    network.eval()
    conversion = Conversion(T=256, method="maximum", calibrate=False)
    graph = conversion.prepare(from_network(network))
    snn = conversion.convert(graph, [x], [x.expand(256, *x.shape)]).network(FACTS)
    with torch.no_grad():
        ann, got = network(x[None])[0][0], snn(x.expand(256, *x.shape))[0].mean(0)
    limit = 0.2 if name == "vgg" else 0.06  # which neuron of a window fires most is known only after a while
    assert (got - ann).abs().mean() < limit * ann.std()
