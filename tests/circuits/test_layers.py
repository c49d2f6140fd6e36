"""Sum pooling."""

from __future__ import annotations

import torch

from snnctl.networks import SumPool2d


def test_it_counts_the_spikes_of_a_window():
    x = torch.tensor([[[[1.0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]]])
    assert SumPool2d(2)(x).tolist() == [[[[3, 2], [0, 2]]]]
    assert SumPool2d(2, stride=1)(x)[0, 0, 0].tolist() == [3, 2, 2]
    assert SumPool2d((1, 4))(x).flatten().tolist() == [3, 2, 1, 1]


def test_what_lies_outside_counts_nothing():
    assert SumPool2d(2, padding=1)(torch.ones(1, 1, 2, 2)).tolist() == [[[[1, 1], [1, 1]]]]
