"""IF: traces worked out by hand."""

from __future__ import annotations

import torch

from snnctl.neurons import IF

DT = 1e-3


def run(neuron: IF, values: list[float]) -> tuple[list[float], list[float]]:
    s, _, traces = neuron.trace(torch.tensor(values).view(-1, 1, 1), dt=DT)
    return s.flatten().tolist(), traces["v"].flatten().tolist()


def test_it_adds_up_and_subtracts_the_threshold():
    s, v = run(IF(), [0.75, 0.75, 0.75, 0.75])
    assert s == [0, 1, 1, 1]
    assert v == [0.75, 0.5, 0.25, 0.0]  # 1.5 - 1, 1.25 - 1, 1.0 - 1


def test_it_starts_at_the_value_that_it_resets_to():
    s, v = run(IF(reset="value", v_reset=0.25), [0.5, 0.5, 0.5])
    assert s == [0, 1, 0]
    assert v == [0.75, 0.25, 0.75]


def test_millivolts():
    s, v = run(IF(threshold=-52.0, reset="value", v_reset=-65.0), [6.0, 6.0, 6.0])
    assert s == [0, 0, 1]
    assert v == [-59.0, -53.0, -65.0]


def test_the_step_width_plays_no_part():
    x = torch.rand(20, 2, 3)
    assert torch.equal(IF()(x, dt=1e-3)[0], IF()(x, dt=1e-1)[0])
