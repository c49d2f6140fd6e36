"""Loss and accuracy of an epoch; of traces a loss alone."""

from __future__ import annotations

import torch

from snnctl.regimes.tally import Tally


def test_batches_of_classes_weigh_as_many_samples():
    tally = Tally()
    tally.add(torch.tensor(1.0), torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 0, 0]))
    tally.add(torch.tensor(3.0), torch.tensor([[0.0, 1.0]]), torch.tensor([0]))
    assert {k: v.item() for k, v in tally.result().items()} == {"loss": 1.5, "acc": 0.5}


def test_traces_have_a_loss_and_no_accuracy():
    tally = Tally()
    tally.add(torch.tensor(1.0), torch.zeros(3, 2), torch.zeros(5, 3, 2))
    tally.add(torch.tensor(3.0), torch.zeros(1, 2), torch.zeros(5, 1, 2))
    kept = Tally()
    kept.load_state_dict(tally.state_dict())
    assert {k: v.item() for k, v in kept.result().items()} == {"loss": 1.5}


def test_nothing_counted_is_nothing():
    assert Tally().result() == {}
