"""Penalties on parameters, and limits: by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.errors import UserError
from snnctl.losses import ParameterBounds, ParameterNorm
from snnctl.losses.parameters import chosen, limited

P = {
    "fc.weight": torch.tensor([[-2.0, 0.5], [1.0, 3.0]]),
    "fc.bias": torch.tensor([9.0]),
    "lif.tau_mem": torch.tensor(0.02),
}


def test_bounds():
    assert ParameterBounds()(P).item() == pytest.approx(1 + 4)
    assert ParameterBounds(low=None, scale=2.0, weight=3.0)(P).item() == pytest.approx(3 * 1)
    exponential = ParameterBounds(form="exponential")
    assert exponential(P).item() == pytest.approx(math.e + math.e**2)
    assert ParameterBounds("lif.tau_mem", 0.03, None, scale=0.01)(P).item() == pytest.approx(1)


def test_norms():
    assert ParameterNorm("l2", weight=1.0)(P).item() == pytest.approx((4 + 0.25 + 1 + 9) / 4)
    assert ParameterNorm("l1", ["*.weight", "*.bias"], weight=1.0)(P).item() == pytest.approx((6.5 / 4 + 9) / 2)
    half = {"w": torch.tensor([0.1, 0.0])}
    assert ParameterNorm("l0", "w", sigma=1e-4, weight=1.0)(half).item() == pytest.approx(0.25)


def test_names():
    assert list(chosen(P, ["*.bias", "lif.*"])) == ["fc.bias", "lif.tau_mem"]
    with pytest.raises(UserError, match=r"'fc.wieght'\ndid you mean   fc.weight"):
        chosen(P, "fc.wieght")


@settings(deadline=None)
@given(
    st.lists(st.floats(-10, 10).filter(lambda w: w == 0 or abs(w) > 1e-3), min_size=6, max_size=6), st.floats(0.1, 5)
)
def test_limits_hold(values, norm):
    w = torch.tensor(values).view(2, 3)
    into = limited(w, norm=norm).abs().sum(1)
    for before, after in zip(w.abs().sum(1).tolist(), into.tolist(), strict=True):
        assert after == pytest.approx(norm if before > 0 else 0, rel=1e-5)
    clipped = limited(w, -1.0, 2.0)
    assert clipped.min() >= -1 and clipped.max() <= 2
    torch.testing.assert_close(limited(clipped, -1.0, 2.0), clipped, rtol=0, atol=0)


def test_a_map_of_a_convolution_is_normalised_as_one():
    w = torch.ones(2, 3, 2, 2)
    torch.testing.assert_close(limited(w, norm=6.0), torch.full_like(w, 0.5))
