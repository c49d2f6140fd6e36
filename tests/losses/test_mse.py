"""Squared errors of counts and membranes: by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.losses import MembraneMSE, SpikeCountMSE

LENGTH = torch.tensor([4, 2])
TARGET = torch.tensor([0, 1])
OUT = torch.tensor([[[0.0, 1.0], [0, 1]], [[1, 0], [0, 0]], [[1, 0], [9, 9]], [[0, 0], [9, 9]]])


def test_counts():
    # sample 0: counts 2, 1, wanted floor(4 * 0.9) = 3 and floor(4 * 0.3) = 1; sample 1: 0, 1, wanted 0 and 1
    loss = SpikeCountMSE(correct_rate=0.9, incorrect_rate=0.3)(OUT, TARGET, LENGTH)
    assert loss.item() == pytest.approx((1 / 2 / 4 + 0) / 2)


def test_whole_numbers_survive_rounding():
    out = torch.zeros(100, 1, 1)
    out[:29] = 1
    assert SpikeCountMSE(correct_rate=0.29)(out, torch.tensor([0]), torch.tensor([100])).item() == 0


def test_membranes():
    loss = MembraneMSE(on_target=1.0, off_target=0.5)(OUT, TARGET, LENGTH)
    first = (1 + 0.25 + 0 + 0.25 + 0 + 0.25 + 1 + 0.25) / 8
    second = (0.25 + 0 + 0.25 + 1) / 4
    assert loss.item() == pytest.approx((first + second) / 2)


def test_a_trace_as_target():
    wanted = OUT + 0.5
    wanted[2:, 1] = float("nan")
    assert MembraneMSE()(OUT, wanted, LENGTH).item() == pytest.approx(0.25)
    with pytest.raises(UserError, match=r"target of shape \(4, 2\)"):
        MembraneMSE()(OUT, wanted[..., 0], LENGTH)
