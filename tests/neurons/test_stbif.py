"""STBIF: it adds up to a quantised activation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import STBIF

DT = 1e-3


def test_a_trace_by_hand():
    neuron = STBIF(levels=3, threshold=0.5)
    out, _, traces = neuron.trace(torch.tensor([0.25, 0.5, 0.5, 0.5, -1.0, 0.0]).view(-1, 1, 1), dt=DT)
    # v before firing, in thresholds: 1, 1, 1, 2 (top reached), 0, 0
    assert out.flatten().tolist() == [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]
    assert traces["acc"].flatten().tolist() == [1, 2, 2, 2, 2, 2]
    assert traces["v"].flatten().tolist() == [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]


def test_spikes_are_taken_back():
    out, _ = STBIF(levels=4)(torch.tensor([1.0, -0.8, 0.0]).view(-1, 1, 1), dt=DT)
    assert out.flatten().tolist() == [1.0, -1.0, 0.0]  # v = 1.5, then 0.5 - 0.8 < 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-8, 8), min_size=1, max_size=6), st.integers(2, 9), st.booleans())
def test_in_the_end_the_sum_is_the_rounded_input(inputs, levels, signed):
    eighths = torch.tensor(inputs, dtype=torch.float32) / 8
    x = torch.cat([eighths, torch.zeros(2 * levels + 16)]).view(-1, 1, 1)  # time to settle
    out, _ = STBIF(levels=levels, signed=signed, backend="eager")(x, dt=DT)
    bottom, top = (-levels // 2, levels // 2 - 1) if signed else (0, levels - 1)
    expected = (eighths.sum() + 0.5).floor().clamp(bottom, top)
    assert out.sum() == expected


def test_wrong_values_are_named():
    with pytest.raises(UserError, match="levels is 1"):
        STBIF(levels=1)
    with pytest.raises(UserError, match="threshold is -1"):
        STBIF(threshold=-1.0)
