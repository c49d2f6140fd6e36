"""Goodness in numbers written out, gradients that stay in their layer, and a run."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.cli import main
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.forward_forward import ForwardForward
from tests.runs import SMALL, assert_same_run

NEURON = partial(LIF, tau_mem=5e-3)


def regime(inputs: int = 6, neuron=NEURON, **options) -> ForwardForward:
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=8), "one": neuron, "fd": partial(nn.Linear, out_features=4)}
    network = Network({**layers, "two": neuron, "out": nn.Linear, "li": LI}, Facts((inputs,), ("a", "b"), 1e-3, 4))
    return ForwardForward(network, MeanMembraneCrossEntropy(), partial(torch.optim.SGD, lr=0.1), **options)


def test_a_label_takes_the_place_of_the_first_inputs():
    x = torch.ones(3, 2, 6)
    shown = regime(strength=2.0).shown(x, torch.tensor([1, 0]))
    assert shown[0].tolist() == [[0, 2, 1, 1, 1, 1], [2, 0, 1, 1, 1, 1]]
    assert torch.equal(shown[0], shown[2]) and torch.equal(x, torch.ones(3, 2, 6))


def test_goodness_is_the_mean_square_of_the_rates():
    made = regime(scale=10.0)
    made.stages = [[nn.Identity()]]
    spikes = torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]], [[0.0, 0.0]], [[1.0, 1.0]]])  # the last step is padding
    found, _ = made.goodness(spikes, torch.tensor([3]))
    # rates 2/3 and 1/3: 10 * (4/9 + 1/9) / 2
    assert float(found[0]) == pytest.approx(10 * 5 / 18)


def test_each_layer_has_the_gradient_of_its_own_goodness_only():
    made = regime()
    with torch.no_grad():
        made.network.layers["fc"].weight.mul_(6)
        made.network.layers["fd"].weight.mul_(6).add_(0.5)
    x = torch.rand(4, 3, 6, generator=torch.Generator().manual_seed(0)) * 2
    found, spikes = made.goodness(x, torch.tensor([4, 4, 4]))
    found[1].sum().backward()
    assert made.network.layers["fc"].weight.grad is None and made.network.layers["fd"].weight.grad.abs().sum() > 0
    assert not spikes.requires_grad
    batch = Batch(x, torch.tensor([0, 1, 0]), torch.tensor([4, 4, 4]), torch.arange(3))
    made.zero_grad()
    made.loss(made.outputs(batch), batch.target, batch.length).backward()
    trained = {name for name, p in made.network.named_parameters() if p.grad is not None}
    assert trained == {"layers.out.weight", "layers.out.bias"}


def test_a_step_raises_the_goodness_of_right_labels_over_wrong_ones():
    made = regime(scale=20.0)
    made.log, made._row_due = lambda *a, **k: None, lambda: False
    with torch.no_grad():
        made.network.layers["fc"].weight.mul_(3)
    draw = torch.Generator().manual_seed(0)
    x, target = torch.rand(4, 16, 6, generator=draw) * 2, torch.arange(16) % 2
    x[:, :, 2] += 2.0 * target  # the class can be seen
    batch = Batch(x, target, torch.full((16,), 4), torch.arange(16))
    optimizer = torch.optim.Adam(made.parameters(), lr=0.01)

    def gap() -> float:
        right, wrong = (made.goodness(made.shown(x, t), batch.length)[0][0].mean() for t in (target, 1 - target))
        return float(right - wrong)

    before = gap()
    for _ in range(80):
        optimizer.zero_grad()
        made.training_step(batch, 0).backward()
        optimizer.step()
    assert gap() > before + 0.3


def test_what_it_cannot_train_is_said_before_training():
    with pytest.raises(UserError, match="2 inputs have no room for 2 labels"):
        regime(inputs=2)
    with pytest.raises(UserError, match="no neurons that spike"):
        regime(neuron=nn.ReLU)
    with pytest.raises(UserError, match="theta"):
        regime(theta=0.0)


def test_a_run_that_goes_on_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fixed = [*SMALL, "regime=forward_forward", "neuron.tau_mem=50e-3", "scheduler=none"]
    assert main(["train", *fixed, "trainer.max_epochs=2", "hydra.run.dir=whole"]) == 0
    assert main(["train", *fixed, "trainer.max_epochs=1", "hydra.run.dir=parts"]) == 0
    assert main(["train", "--resume", "parts", "trainer.max_epochs=2"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
