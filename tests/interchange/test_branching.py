"""Networks that branch: through a file and back, the same numbers."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl import interchange
from snnctl.datasets.facts import Facts
from snnctl.networks import Graph
from snnctl.networks.joining import Add, Concatenate
from snnctl.neurons import IF, LI, LIF


def network(shape: tuple[int, ...], join: type[nn.Module]) -> Graph:
    torch.manual_seed(3)
    if len(shape) == 3:
        layer = partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1)
        narrow, norm = partial(nn.Conv2d, out_channels=4, kernel_size=1), nn.BatchNorm2d
    else:
        layer, narrow, norm = partial(nn.Linear, out_features=6), partial(nn.Linear, out_features=6), nn.BatchNorm1d
    lif, fires = partial(LIF, threshold=0.3), partial(IF, threshold=0.2)
    layers = {"in": layer, "a": lif, "b": layer, "norm": norm, "c": fires, "d": narrow, "join": join, "e": lif}
    layers |= {"flat": nn.Flatten, "out": nn.Linear, "f": LI}
    sources = {"d": ["a"], "join": ["c", "d"]}
    net = Graph(layers, Facts(shape, ("x", "y"), 1e-3, 12), sources)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.mark.parametrize("join", [Add, Concatenate])
@pytest.mark.parametrize("shape", [(5,), (2, 6, 6)])
def test_a_branching_network_comes_back(shape, join, tmp_path):
    net = network(shape, join)
    path = tmp_path / "model.nir"
    interchange.write(path, interchange.graph_of(net, allow=["reset"]))
    circuit = interchange.circuit_of(interchange.read(path))
    x = torch.rand(12, 3, *shape) * 3
    out, _, spikes = circuit.trace(x)
    expected = net(x)[0]
    assert expected.abs().min() > 0 and all(0.02 < spikes[name].mean() < 0.98 for name in "ace")
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)
    assert set(spikes) == {"a", "c", "e", "f"}
