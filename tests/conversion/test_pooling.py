"""Maximum pooling behind its activation, sums where averages were."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.conversion import Analog
from snnctl.conversion.pooling import behind_activations, summed
from snnctl.errors import UserError
from snnctl.networks import SumPool2d


def chain(*layers: nn.Module) -> Analog:
    graph = Analog((2, 8, 8))
    for i, layer in enumerate(layers):
        graph.add(f"l{i}", layer, (graph.last,), 1.0)
    return graph


def test_a_maximum_changes_places_with_its_activation():
    graph = chain(nn.Conv2d(2, 3, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    x = torch.randn(4, 2, 8, 8)
    before = graph(x)
    behind_activations(graph)
    assert [node.name for node in graph.nodes.values()] == ["input", "l0", "l2", "l1", "l3", "l4"]
    assert graph.nodes["l2"].shape == (3, 8, 8) and graph.nodes["l3"].sources == ("l1",)
    assert torch.equal(graph(x), before)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(2, 3, 1), nn.MaxPool2d(2), nn.Conv2d(3, 3, 1), nn.ReLU()],
        [nn.Conv2d(2, 3, 1), nn.ReLU(), nn.MaxPool2d(3, ceil_mode=True)],
        [nn.MaxPool2d(2), nn.Conv2d(2, 3, 1), nn.ReLU()],
    ],
)
def test_a_maximum_of_currents_is_refused(layers):
    with pytest.raises(UserError, match=r"layer l\d \(MaxPool2d\)") as caught:
        behind_activations(chain(*layers))
    assert "AvgPool2d" in caught.value.hint


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (nn.AvgPool2d(2), 4), (nn.AvgPool2d((2, 3), stride=1), 6), (nn.AvgPool2d(3, padding=1), 9),
        (nn.AdaptiveAvgPool2d(2), 16), (nn.AdaptiveAvgPool2d(1), 64),
    ],
)  # fmt: skip
def test_a_sum_is_the_average_times_its_window(layer, size):
    graph = chain(layer)
    pool, window = summed(graph.nodes["l0"], (2, 8, 8))
    x = torch.randn(3, 2, 8, 8)
    assert isinstance(pool, SumPool2d) and window == size
    torch.testing.assert_close(pool(x) / window, layer(x))


@pytest.mark.parametrize(
    "layer",
    [nn.AvgPool2d(3, ceil_mode=True), nn.AvgPool2d(3, padding=1, count_include_pad=False), nn.AdaptiveAvgPool2d(3)],
)
def test_windows_that_differ_stay_averages(layer):
    assert summed(chain(layer).nodes["l0"], (2, 8, 8)) == (layer, 1.0)
