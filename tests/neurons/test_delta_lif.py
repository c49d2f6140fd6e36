"""DeltaLIF: a trace worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.neurons import DeltaLIF

DT = 1e-3


def test_it_tells_the_steps_in_which_it_moves():
    neuron = DeltaLIF(tau_mem=2 * DT, decay="euler", threshold=0.5)  # decay 1/2
    x = torch.tensor([0.25, 0.75, 0.5, 0.25, -0.5]).view(-1, 1, 1)
    s, _, traces = neuron.trace(x, dt=DT)
    assert traces["v"].flatten().tolist() == [0.25, 0.875, 0.9375, 0.71875, -0.140625]
    assert s.flatten().tolist() == [0, 1, 0, 0, 1]


def test_a_change_of_threshold_is_one_only_where_equality_fires():
    x = torch.tensor([0.5, 0.25]).view(-1, 1, 1)
    spikes = [DeltaLIF(threshold=0.5, fire=fire)(x, dt=DT)[0][0].item() for fire in ("ge", "gt")]
    assert spikes == [1, 0]


def test_a_threshold_of_zero_is_named():
    with pytest.raises(UserError, match="DeltaLIF: threshold is 0"):
        DeltaLIF(threshold=0.0)
