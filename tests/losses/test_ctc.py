"""Connectionist temporal classification: small cases by counting all paths."""

from __future__ import annotations

from itertools import groupby, product

import pytest
import torch

from snnctl.errors import UserError
from snnctl.losses import CTC


def counted(chances: torch.Tensor, spelled: list[int], blank: int) -> torch.Tensor:
    """-log of the summed chances (T, C) of all paths that spell it."""
    total = torch.zeros(())
    for path in product(range(chances.shape[1]), repeat=len(chances)):
        if [k for k, _ in groupby(path) if k != blank] == spelled:
            total = total + torch.stack([chances[t, k] for t, k in enumerate(path)]).prod()
    return -total.log()


@pytest.mark.parametrize("spelled", [[1], [1, 2], [1, 1], [2, 1]])
def test_paths(spelled):
    out = torch.randn(4, 1, 3, generator=torch.Generator().manual_seed(0))
    loss = CTC(blank=0)(out, torch.tensor([spelled]), torch.tensor([4]))
    torch.testing.assert_close(loss, counted(out[:, 0].softmax(1), spelled, 0))


def test_a_blank_of_its_own_for_classes():
    out = torch.randn(3, 1, 2, generator=torch.Generator().manual_seed(0))
    with_blank = torch.cat([out, torch.full((3, 1, 1), 0.5)], 2)[:, 0].softmax(1)
    torch.testing.assert_close(CTC(silence=0.5)(out, torch.tensor([1]), torch.tensor([3])), counted(with_blank, [1], 2))


def test_scores_leave_the_blank_out():
    out = torch.tensor([[[5.0, 0.0, 1.0]]])
    assert CTC(blank=0).scores(out, torch.tensor([1])).argmax(1).item() == 2
    assert CTC().scores(out, torch.tensor([1])).shape == (1, 3)


def test_sequences_of_several_lengths():
    out = torch.randn(5, 2, 4, generator=torch.Generator().manual_seed(0))
    target, length = torch.tensor([[1, 2, 3], [2, -1, 99]]), torch.tensor([5, 3])
    both = CTC(blank=0)(out, target, length, torch.tensor([3, 1]))
    one = CTC(blank=0)(out[:, :1], target[:1], length[:1])
    other = CTC(blank=0)(out[:3, 1:], target[1:, :1], length[1:])
    torch.testing.assert_close(both, (one + other) / 2)


def test_the_blank_is_no_target():
    with pytest.raises(UserError, match="blank is 1"):
        CTC(blank=1)(torch.rand(3, 1, 2), torch.tensor([1]), torch.tensor([3]))
    with pytest.raises(UserError, match="blank is 7"):
        CTC(blank=7)(torch.rand(3, 1, 2), torch.tensor([1]), torch.tensor([3]))
