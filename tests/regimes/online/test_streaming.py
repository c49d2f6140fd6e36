"""Inputs and losses piece by piece."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.datasets.batch import Batch, EventList
from snnctl.losses import MembraneMSE, PerStepCrossEntropy
from snnctl.regimes.online.streaming import Criterion, piece


def test_a_piece_of_events_is_the_piece_of_their_frames():
    draw = torch.Generator().manual_seed(0)
    counts = torch.randint(0, 4, (7 * 2,), generator=draw)
    codes = torch.randint(0, 6, (int(counts.sum()),), generator=draw, dtype=torch.int32)
    events = EventList(codes, torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]), 7, 2, (2, 3))
    for start, stop in ((0, 7), (0, 3), (3, 5), (6, 7)):
        assert torch.equal(piece(events, start, stop).dense(), events.dense()[start:stop])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    loss=st.sampled_from(
        [PerStepCrossEntropy(), PerStepCrossEntropy(0.3, class_weights=[1.0, 0.0, 3.0]), MembraneMSE()]
    ),
    size=st.integers(1, 8),
    lengths=st.tuples(*[st.integers(1, 8)] * 4),
)
def test_losses_scores_and_gradients_of_pieces_add_up(loss, size, lengths):
    out = torch.randn(8, 4, 3, generator=torch.Generator().manual_seed(2)).requires_grad_()
    batch = Batch(None, torch.tensor([0, 1, 2, 1]), torch.tensor(lengths), torch.arange(4))
    whole = loss(out, batch.target, batch.length)
    (wanted,) = torch.autograd.grad(whole, out)
    criterion = Criterion(loss, batch)
    found = torch.cat([criterion(out[i : i + size]) for i in range(0, 8, size)])
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(criterion.total, whole.detach())
    torch.testing.assert_close(criterion.scores, loss.scores(out, batch.length).detach())
