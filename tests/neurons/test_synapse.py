"""The orders of decay and arrival: worked out by hand."""

from __future__ import annotations

import pytest
import torch

from snnctl.neurons.synapse import arrived


@pytest.mark.parametrize(
    "synapse, drive, kept",
    [("decay_then_add", 2.0, 2.0), ("add_then_decay", 1.5, 1.5), ("next_step", 2.0, 2.0)],
)
def test_an_input_of_one_meets_a_current_of_two(synapse, drive, kept):
    current, i = arrived(torch.tensor([1.0]), torch.tensor([2.0]), 0.5, synapse)
    assert (current.item(), i.item()) == (drive, kept)


def test_the_next_step_sees_what_arrives_now():
    current, i = arrived(torch.tensor([1.0]), torch.tensor([0.0]), 0.5, "next_step")
    assert (current.item(), i.item()) == (0.0, 1.0)


def test_without_a_synapse_the_input_drives():
    x = torch.tensor([1.0])
    assert arrived(x, None, None, "decay_then_add") == (x, None)
