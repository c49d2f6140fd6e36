"""AssociativeLeaky against its equation step by step."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import AssociativeLeaky

DT = 1e-3


@pytest.mark.parametrize("query", [True, False])
def test_it_is_its_equation(query):
    torch.manual_seed(0)
    layer = AssociativeLeaky(values=3, keys=4, query=query, threshold=0.1, shape=(5,))
    x = torch.randn(70, 2, 5)
    out, state, traces = layer.trace(x, dt=DT)
    v = torch.zeros(2, 3, 4)
    for t in range(70):
        written = layer.value(x[t])[:, :, None] * layer.key(x[t])[:, None, :]
        v = v * torch.sigmoid(layer.leak(x[t]))[:, None, :] + written
        torch.testing.assert_close(traces["v"][t], v)
        s = (traces["v"][t] >= 0.1).float()
        expected = s @ layer.query(x[t]).view(2, 4, 3) if query else s
        torch.testing.assert_close(out[t], expected.flatten(1))
    torch.testing.assert_close(state.v, v)
    assert layer.shape_out == ((9,) if query else (12,)) and layer.spiking != query


def test_every_weight_learns():
    layer = AssociativeLeaky(values=3, keys=4, threshold=0.1, shape=(5,))
    layer(torch.randn(20, 2, 5), dt=DT)[0].square().sum().backward()
    assert all(p.grad.any() for p in layer.parameters())


@pytest.mark.parametrize(
    "options", [{"values": 0}, {"keys": 1.5}, {"threshold": 0}, {"query": "yes"}, {"shape": (2, 3)}]
)
def test_wrong_values_are_named(options):
    with pytest.raises(UserError, match="AssociativeLeaky: "):
        AssociativeLeaky(**{"shape": (5,), **options})
