"""Peak losses: by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.losses import BinaryPeak, Peak
from snnctl.losses.peak import peak_mean


def test_a_window_starts_over_at_the_end():
    x = torch.tensor([0.0, 1.0, 3.0, 2.0, 9.0])[:, None]
    assert peak_mean(x, torch.tensor([4]), 3).item() == pytest.approx((3 + 2 + 3) / 3)


def test_the_right_neuron_reaches_a_level_and_the_others_none():
    out = torch.tensor([[0.2, 0.1, 0.0], [0.6, 0.3, 0.0], [0.4, 0.0, 0.5]])[:, None]
    loss = Peak(window=2, nontarget_weight=0.5)(out, torch.tensor([0]), torch.tensor([3]))
    silent = (0.1**2 + 0.3**2 + 0.5**2) / 3 / 2
    assert loss.item() == pytest.approx(0.5**2 + 0.5 * silent)


def test_the_level_of_the_others():
    out = torch.tensor([[1.0, 0.2], [0.0, 0.2]])[:, None]
    assert Peak(window=1, nontarget_output=0.2)(out, torch.tensor([0]), torch.tensor([2])).item() == 0


def test_one_neuron_for_two_classes():
    out = torch.tensor([[0.0, 0.3], [0.8, 0.1]])[..., None]  # two samples
    loss = BinaryPeak(window=1, nontarget_weight=2.0)
    length = torch.tensor([2, 2])
    value = loss(out, torch.tensor([1, 0]), length).item()
    assert value == pytest.approx((0.8 - 1) ** 2 + 2 * (0.3**2 + 0.1**2) / 2)
    assert loss.scores(out, length).argmax(1).tolist() == [1, 0]
    assert loss(out, torch.tensor([1, 1]), length).item() == pytest.approx((0.2**2 + 0.7**2) / 2)


def test_one_neuron_is_too_few():
    with pytest.raises(UserError, match="binary_peak"):
        Peak()(torch.rand(3, 1, 1), torch.tensor([0]), torch.tensor([3]))
