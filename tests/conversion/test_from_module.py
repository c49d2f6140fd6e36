"""Graphs of torch modules, and what is said of those that have none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snnctl.conversion import from_module
from snnctl.errors import UserError
from tests.conversion.modules import SHAPE, Chained, Concatenating, Pooled, Residuals, inputs, trained


@pytest.mark.parametrize("kind", [Chained, Residuals, Concatenating, Pooled])
def test_the_graph_computes_what_the_module_does(kind):
    module, x = trained(kind), inputs()
    got = from_module(module, SHAPE)(x)
    torch.testing.assert_close(got.log_softmax(1) if kind is Residuals else got, module(x))


def test_what_reads_what():
    graph = from_module(trained(Residuals), SHAPE)
    sums = graph.of("add")
    assert [node.sources for node in sums] == [("one.1", "relu"), ("relu_1", "two.1")]
    assert graph.nodes[graph.last].name == "head"  # the log_softmax at the end says nothing


class Of(nn.Module):
    def __init__(self, function, layer=None):
        super().__init__()
        self.layer, self.function = layer or nn.Conv2d(2, 3, 3), function

    def forward(self, x):
        return self.function(self.layer(x))


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Two(nn.Module):
    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.Sequential(nn.Conv2d(2, 3, 3), nn.GELU()), "layer 1 (GELU) cannot be converted"),
        (nn.Sequential(nn.Softmax(1), nn.Flatten()), "may stand at the end only"),
        (nn.Sequential(nn.LayerNorm(8)), "layer 0 (LayerNorm) cannot be converted"),
        (nn.Sequential(nn.Linear(8, 3), nn.ReLU()), "put torch.nn.Flatten before it"),
        (Of(F.gelu), "gelu"),
        (Of(torch.sigmoid), "sigmoid"),
        (Of(lambda x: torch.cat([x, x], dim=2)), "dimension 1, can be joined"),
        (Of(lambda x: x * 2), "mul"),
        (Branching(), "cannot be traced"),
        (Two(), "more than one input"),
        (nn.Linear(5, 3), "does not take (B, 2, 8, 8)"),
    ],
    ids=str,
)
def test_what_cannot_be_converted_is_named(module, said):
    with pytest.raises(UserError) as caught:
        from_module(module, SHAPE)
    assert said in str(caught.value)


def test_functions_stand_for_layers():
    def tail(x):
        x = F.avg_pool2d(F.relu(x), 2)
        x = F.adaptive_avg_pool2d(x, 1)
        return F.dropout(torch.flatten(x, 1), 0.5, False)

    module, x = Of(tail).eval(), inputs()
    graph = from_module(module, SHAPE)
    assert [node.kind for node in graph.nodes.values()] == [
        "input", "linear", "activation", "average", "average", "pass", "pass"
    ]  # fmt: skip
    torch.testing.assert_close(graph(x), module(x))
