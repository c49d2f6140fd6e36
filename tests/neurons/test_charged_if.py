"""ChargedIF: what it starts with, and why."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.neurons import IF, ChargedIF

DT = 1e-3


def test_a_trace_by_hand():
    s, _, traces = ChargedIF().trace(torch.tensor([0.25, 0.25, 0.5]).view(-1, 1, 1), dt=DT)
    assert s.flatten().tolist() == [0, 1, 0]
    assert traces["v"].flatten().tolist() == [0.75, 0.0, 0.5]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 256), st.integers(1, 8))
def test_its_count_rounds_where_that_of_an_if_rounds_down(share, steps):
    x = torch.full((steps, 1, 1), share / 256)
    count = ChargedIF(backend="eager")(x, dt=DT)[0].sum().item()
    assert count == min(steps, (x.sum() + 0.5).floor().item())
    assert IF(backend="eager")(x, dt=DT)[0].sum().item() == x.sum().floor().item()


@pytest.mark.parametrize("options", [{"v_start": 1.0}, {"v_start": "half"}, {"reset": "value", "v_reset": 0.1}])
def test_wrong_values_are_named(options):
    with pytest.raises(UserError, match="ChargedIF: v_start"):
        ChargedIF(**options)
