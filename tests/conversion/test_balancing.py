"""Thresholds from data, each method by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snnctl.conversion import Analog
from snnctl.conversion.balancing import thresholds
from snnctl.conversion.simulation import Dynamics
from snnctl.errors import UserError
from snnctl.neurons import QCFS


def lines(*layers: nn.Module) -> Analog:
    """One number a sample through layers that pass it on."""
    graph = Analog((1,))
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.Linear):
            nn.init.ones_(layer.weight)
        graph.add(f"l{i}", layer, (graph.last,), 1.0)
    return graph


def one() -> nn.Linear:
    return nn.Linear(1, 1, bias=False)


def found(graph: Analog, values: list[float], method: str, percentile: float = 100.0, T: int = 4) -> dict[str, float]:
    x = torch.tensor(values).view(-1, 1)
    sequence = x.expand(T, -1, -1)
    result = thresholds(graph, [x], [sequence], method, percentile, Dynamics(T, shift="none"))
    return {name: float(level) for name, level in result.items()}


def test_maximum_and_percentile_of_the_activations():
    values = [-3.0, *(float(i) for i in range(1, 100))]  # 100 values, the lowest a zero behind the ReLU
    graph = lines(one(), nn.ReLU())
    assert found(graph, values, "maximum") == {"l1": 99.0}
    assert found(graph, values, "percentile", 90.0) == {"l1": 90.0}
    assert found(graph, values, "percentile", 100.0) == {"l1": 99.0}


def test_the_nearest_threshold_cuts_a_lonely_maximum():
    graph = lines(one(), nn.ReLU())
    values = [1.0] * 99 + [1.5]  # one clipped by 0.5 costs less than 99 rounded to 2/2 1.5 / 2
    assert found(graph, values, "mse", T=2)["l1"] == pytest.approx(1.0, abs=0.02)
    assert found(graph, [0.5, 1.0], "mse", T=2)["l1"] == pytest.approx(1.0, abs=0.02)


def test_layer_by_layer_is_the_largest_current_of_the_spiking_layers_before():
    graph = lines(one(), nn.ReLU(), one(), nn.ReLU())
    graph.nodes["l2"].layer.weight.data.fill_(2.0)
    # The first threshold is the largest input, 4; a spike of it is worth 4, so the second layer gets 8 in a step.
    assert found(graph, [1.0, 4.0], "layerwise") == {"l1": 4.0, "l3": 8.0}
    assert found(graph, [1.0, 3.0], "layerwise")["l3"] == 6.0


def test_a_trained_end_is_kept():
    graph = lines(one(), QCFS(threshold=2.5), one(), nn.ReLU())
    assert found(graph, [1.0, 2.0], "maximum") == {"l1": 2.5, "l3": pytest.approx(1.875)}  # 6 of 8 levels


def test_a_silent_layer_is_named():
    with pytest.raises(UserError, match="layer l1 is silent on all 2 samples"):
        found(lines(one(), nn.ReLU()), [-1.0, -2.0], "percentile")
