"""Firing rates: counted without padding, warned of in time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from snnctl.callbacks.firing_rates import FiringRates
from snnctl.datasets.batch import Batch


class Spiking(torch.nn.Module):
    """Gives what it gets as its spikes."""

    spiking = True

    def forward(self, x):
        return x, None


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Spiking()

    def temporal_layers(self):
        return {"hidden": self.layer}

    def forward(self, x):
        return self.layer(x)


def feed(rates: FiringRates, spikes: torch.Tensor, length: list[int], batches: int = 1) -> dict[str, float]:
    module = SimpleNamespace(network=Net())
    trainer = SimpleNamespace(current_epoch=0)
    rates.on_fit_start(trainer, module)
    rates.on_train_epoch_start(trainer, module)
    for i in range(batches):
        rates.on_train_batch_start(trainer, module, Batch(None, None, torch.tensor(length), None), i)
        module.network(spikes)
    return rates.rates()


def test_padding_does_not_count():
    spikes = torch.zeros(4, 2, 3)
    spikes[0, 0, 0] = spikes[1, 0, 1] = spikes[1, 1, 2] = 1  # three spikes in 2 + 4 steps of 3 neurons
    spikes[2:, 0] = 1  # padding
    assert feed(FiringRates(), spikes, [2, 4])["hidden"] == pytest.approx(3 / (3 * 6))


@pytest.mark.parametrize(("value", "word"), [(0.0, "dead"), (1.0, "saturated")])
def test_a_dead_or_saturated_layer_is_named_with_what_to_change(value, word):
    with pytest.warns(UserWarning, match=f"layer hidden is {word}.*neuron.threshold.*init_rates"):
        feed(FiringRates(after_batches=3), torch.full((5, 2, 4), value), [5, 5], batches=5)


def test_a_lively_layer_gives_no_warning(recwarn):
    feed(FiringRates(after_batches=3), torch.eye(5)[:, None, :].expand(5, 2, 5), [5, 5], batches=5)
    assert not [w for w in recwarn if "layer hidden" in str(w.message)]
