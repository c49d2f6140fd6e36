"""Norms and gains folded: the same function with fewer operations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.conversion import from_module
from snnctl.conversion.folding import diagonal, fold, rescale
from snnctl.errors import UserError
from tests.conversion.modules import SHAPE, Chained, Concatenating, Residuals, inputs, trained


def folded(module: nn.Module):
    graph = from_module(module, SHAPE)
    fold(graph)
    return graph


class Sequence(nn.Sequential):
    """Two channels: a convolution, `between`, a norm, and what a graph needs behind it."""

    def __init__(self, between: nn.Module):
        super().__init__(nn.Conv2d(2, 4, 3), between, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))


@pytest.mark.parametrize("kind", [Chained, Residuals, Concatenating])
def test_a_folded_graph_computes_the_same(kind):
    module, x = trained(kind), inputs()
    graph = folded(module)
    assert not graph.of("affine")
    wanted = module(x)
    got = graph(x).log_softmax(1) if kind is Residuals else graph(x)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_a_norm_goes_into_the_layer_before_through_pooling():
    graph = folded(trained(Chained))
    assert [node.kind for node in graph.nodes.values()] == [
        "input", "linear", "average", "activation", "linear", "activation", "average", "pass", "linear", "activation",
        "linear",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("between", "kinds"),
    [
        (nn.AvgPool2d(2), ["linear", "average", "activation"]),
        (nn.AvgPool2d(2, padding=1, count_include_pad=False), ["linear", "average", "activation"]),
        (nn.AvgPool2d(2, padding=1), ["linear", "average", "linear", "activation"]),  # the shift would miss the border
        (nn.Dropout2d(), ["linear", "activation"]),
        (nn.ReLU(), ["linear", "activation", "linear", "activation"]),
    ],
)
def test_only_what_keeps_a_constant_lets_it_through(between, kinds):
    module = Sequence(between)
    module(torch.zeros(2, *SHAPE))
    for p in (module[2].running_mean, module[2].weight.data, module[2].bias.data):
        nn.init.uniform_(p, 0.5, 1.5)
    module.eval()
    graph, x = folded(module), inputs()
    assert [node.kind for node in graph.nodes.values()][1 : 1 + len(kinds)] == kinds
    torch.testing.assert_close(graph(x), module(x), atol=1e-5, rtol=1e-4)


def test_weight_by_weight():
    layer = nn.Linear(2, 2)
    layer.weight.data, layer.bias.data = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([5.0, 6.0])
    rescale(layer, out=torch.tensor([10.0, 1.0]), into=torch.tensor([1.0, 0.5]))
    assert layer.weight.tolist() == [[10.0, 10.0], [3.0, 2.0]] and layer.bias.tolist() == [50.0, 6.0]
    grouped = nn.Conv1d(4, 2, 1, groups=2, bias=False)
    grouped.weight.data.fill_(1.0)
    rescale(grouped, into=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert grouped.weight[:, :, 0].tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 4, 5)])
def test_a_diagonal_layer_is_gain_and_shift(shape):
    gain, shift = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 2.0])
    x = torch.randn(2, *shape)
    wide = (-1, *[1] * (len(shape) - 1))
    torch.testing.assert_close(diagonal(shape, gain, shift)(x), x * gain.view(wide) + shift.view(wide))


def test_a_norm_without_statistics():
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, track_running_stats=False), nn.ReLU())
    with pytest.raises(UserError, match=r"layer 1 \(BatchNorm2d\) keeps no running statistics"):
        folded(module)
