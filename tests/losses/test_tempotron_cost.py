"""The tempotron's cost, in numbers written out."""

from __future__ import annotations

import pytest
import torch

from snnctl.errors import UserError
from snnctl.losses import Tempotron

OUT = torch.tensor([[[0.2, 1.5, 0.1]], [[0.7, 0.4, 0.9]], [[9.0, 9.0, 9.0]]])  # (T, B, C), the last step is padding
LENGTH = torch.tensor([2])


def test_the_cost_is_the_distance_of_the_highest_points_on_the_wrong_side():
    loss = Tempotron(threshold=1.0)
    assert loss.scores(OUT, LENGTH).tolist() == [pytest.approx([0.7, 1.5, 0.9])]
    assert float(loss(OUT, torch.tensor([0]), LENGTH)) == pytest.approx(0.3 + 0.5)  # 0 stays below, 1 reaches it
    assert float(loss(OUT, torch.tensor([1]), LENGTH)) == 0.0
    assert float(loss(OUT, torch.tensor([2]), LENGTH)) == pytest.approx(0.1 + 0.5)


def test_the_gradient_is_one_at_the_highest_point_of_each_wrong_output():
    out = OUT.clone().requires_grad_()
    Tempotron(threshold=1.0)(out, torch.tensor([0]), LENGTH).backward()
    expected = torch.zeros(3, 1, 3)
    expected[1, 0, 0], expected[0, 0, 1] = -1.0, 1.0
    assert torch.equal(out.grad, expected)


def test_a_threshold_of_zero_is_refused():
    with pytest.raises(UserError, match="threshold"):
        Tempotron(threshold=0.0)
