"""The regime: what it refuses, what it trains, and that a resumed run gives the same bits."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import FirstSpike, MaxMembraneCrossEntropy
from snnctl.networks import Network, Recurrent
from snnctl.neurons import ALIF, LI, LIF, CubaLIF
from snnctl.regimes.eventprop.eventprop import EventProp

FACTS = Facts((6,), ("a", "b", "c"), 1e-3, 20)
CUBA = partial(CubaLIF, tau_mem=20e-3, tau_syn=5e-3, reset="zero")
READOUT = partial(LI, tau_mem=20e-3, tau_syn=5e-3)
LINEAR = nn.Linear


def regime(neuron=CUBA, readout=READOUT, loss=None, between=None, **options) -> EventProp:
    torch.manual_seed(0)
    layers = {"fc": partial(LINEAR, out_features=8), "lif": neuron, "drop": between, "out": LINEAR, "readout": readout}
    network = Network(layers, FACTS)
    with torch.no_grad():
        network.layers["fc"].weight.mul_(2).add_(0.1)
        network.layers["out"].weight.mul_(2).add_(0.2)
    return EventProp(network, loss or MaxMembraneCrossEntropy(), partial(torch.optim.SGD, lr=0.1), **options)


def batch() -> Batch:
    x = (torch.rand(20, 4, 6, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    return Batch(x, torch.tensor([0, 1, 2, 0]), torch.tensor([20, 15, 20, 10]), torch.arange(4))


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        ({"neuron": partial(CUBA, reset="subtract")}, "layer lif .* soft reset", "neuron.reset=zero"),
        ({"neuron": partial(ALIF, reset="zero")}, "layer lif .ALIF. adapts", "neuron=cuba_lif"),
        ({"neuron": partial(LIF, reset="zero")}, "layer lif .LIF. has other equations", "neuron=cuba_lif"),
        ({"neuron": partial(CUBA, decay="euler")}, "decay = euler", "exact"),
        ({"neuron": partial(CUBA, learnable="tau_mem")}, "learnable", "learnable"),
        ({"neuron": partial(CUBA, refractory=2e-3)}, "refractory", "0.0"),
        ({"readout": LI}, "readout .* jumps", "tau_syn"),
        ({"between": nn.Dropout}, "drop .Dropout. cannot take spikes", "network=mlp"),
        ({"readout": CUBA}, "MaxMembraneCrossEntropy does not read spike times", "loss=first_spike"),
        ({"loss": FirstSpike()}, "the readout does not spike", "cuba_lif"),
        ({"method": "euler_adjoint"}, "lif is not the neuron", "cuba_lif/norse"),
        ({"method": "euler"}, "method", "euler_adjoint"),
        ({"least_slope": -1.0}, "least_slope", "0 or more"),
    ],
)
def test_what_it_cannot_train_is_said_before_training(change, problem, hint):
    with pytest.raises(UserError, match=problem) as caught:
        regime(**change)
    assert hint in caught.value.hint


def test_recurrence_is_refused():
    layers = {
        "fc": partial(LINEAR, out_features=8),
        "rec": partial(Recurrent, neuron=CUBA),
        "out": LINEAR,
        "li": READOUT,
    }
    with pytest.raises(UserError, match=r"rec .Recurrent."):
        EventProp(Network(layers, FACTS), MaxMembraneCrossEntropy(), torch.optim.SGD)


@pytest.mark.parametrize(("readout", "loss"), [(READOUT, MaxMembraneCrossEntropy()), (CUBA, FirstSpike(tau=2.0))])
def test_the_loss_falls_and_every_weight_learns(readout, loss):
    made = regime(readout=readout, loss=loss)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        value, scores = made.judged(batch())
        value.backward()
        assert scores.shape == (4, 3) and all(p.grad.abs().sum() > 0 for p in made.parameters() if losses == [])
        optimizer.step()
        losses.append(float(value))
    assert losses[-1] < 0.7 * losses[0]


def test_norses_adjoint_trains_too_and_leaves_the_outputs_as_they_are():
    norse = partial(CubaLIF, tau_syn=5e-3, tau_mem=10e-3, decay="euler", input_gain="dt/tau", fire="gt", reset="value")
    made, data = regime(neuron=partial(norse, threshold=0.3), readout=LI, method="euler_adjoint"), batch()
    assert torch.equal(made.outputs(data), made.network(data.x)[0])
    value, _ = made.judged(data)
    value.backward()
    exact = [p.grad.clone() for p in made.parameters()]
    assert all(g.isfinite().all() and g.abs().sum() > 0 for g in exact)
    torch.optim.SGD(made.parameters(), lr=1e-3).step()
    assert made.judged(data)[0] < value


def test_what_lies_past_a_samples_length_changes_nothing():
    made, data = regime(readout=CUBA, loss=FirstSpike()), batch()
    x = data.x.clone()
    for b, n in enumerate(data.length):
        x[n:, b] = 3.0
    torch.testing.assert_close(made.judged(data._replace(x=x)), made.judged(data))


SMALL = ["regime=eventprop", "network=mlp", "neuron=cuba_lif", "neuron.reset=zero", "network.readout.tau_syn=10e-3",
         "network.hidden=[8]", "dataset.batch_size=8", "dataset.steps=20", "trainer.limit_train_batches=4",
         "trainer.limit_val_batches=1", "trainer.limit_test_batches=1"]  # fmt: skip


def test_a_run_that_goes_on_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fixed = [*SMALL, "scheduler=none"]
    assert main(["train", *fixed, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *fixed, "trainer.max_epochs=1", "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    for file in ("weights.safetensors", "metrics.csv"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


def test_check_says_it(capsys):
    assert main(["check", "regime=eventprop", "network=mlp", "neuron=cuba_lif"]) == 2
    assert "soft reset" in capsys.readouterr().err
