"""Training in a target's numbers: its values forward, the float network's gradient backward."""

from __future__ import annotations

from functools import partial

import lightning
import pytest
import torch
from torch import nn

from snnctl.config import compose
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.experiment import assemble, with_target
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT
from snnctl.regimes.quantized import Quantized
from snnctl.targets.nir import NIR, InFloat
from snnctl.targets.target import Traces
from tests.runs import SMALL


class Coarse(NIR):
    """Weights in steps of 1/4."""

    def quantise(self, circuit, plan, x=None):
        for p in circuit.parameters():
            p.data = (p.data * 4).round() / 4
        return InFloat(circuit)


class Silent(NIR):
    """Every spike is lost."""

    def quantise(self, circuit, plan, x=None):
        model = InFloat(circuit)

        class Lost:
            def run(self, x):
                out, spikes = model.run(x)
                return Traces(out, {name: torch.zeros_like(s) for name, s in spikes.items()})

        return Lost()


def network() -> Network:
    torch.manual_seed(0)
    layers = {"fc": partial(nn.Linear, out_features=20), "lif": partial(LIF, tau_mem=5e-3), "out": nn.Linear,
              "li": partial(LI, tau_mem=5e-3)}  # fmt: skip
    return Network(layers, Facts((5,), ("a", "b", "c"), 1e-3, 9))


def inputs() -> torch.Tensor:
    return torch.rand(9, 4, 5, generator=torch.Generator().manual_seed(1)) * 3


def test_forward_is_the_targets():
    net, coarse = network(), network()
    for p in coarse.parameters():
        p.data = (p.data * 4).round() / 4
    out = Quantized(Coarse()).run(net, inputs())
    assert torch.equal(out, coarse(inputs())[0]) and not torch.allclose(out, net(inputs())[0])
    assert net.training and not net.layers["lif"]._forward_hooks


def test_a_target_that_rounds_nothing_changes_no_gradient():
    grads = []
    for run in (lambda net: net(inputs())[0], lambda net: Quantized(NIR()).run(net, inputs())):
        net = network()
        run(net).square().sum().backward()
        grads.append([p.grad for p in net.parameters()])
    for a, b in zip(*grads, strict=True):
        assert a.abs().sum() > 0
        torch.testing.assert_close(a, b)


def test_the_next_layer_sees_the_targets_spikes():
    net = network()
    Quantized(Silent()).run(net, inputs()).sum().backward()
    assert net.layers["out"].weight.grad.abs().sum() == 0  # no spike reached it
    assert net.layers["out"].bias.grad.abs().sum() > 0 and net.layers["fc"].weight.grad.abs().sum() > 0


def test_the_regime_trains_and_evaluates_in_it():
    net = network()
    regime = BPTT(net, MeanMembraneCrossEntropy(), torch.optim.SGD, quantize=Coarse())
    batch = Batch(inputs(), torch.full((4,), 9), torch.tensor([0, 1, 2, 0]), torch.arange(4))
    assert torch.equal(regime.outputs(batch), regime(batch))
    with pytest.raises(UserError, match=r"regime\.quantize and regime\.truncate exclude each other"):
        BPTT(net, MeanMembraneCrossEntropy(), torch.optim.SGD, quantize=Coarse(), truncate=3)


def test_the_target_of_a_configuration_brings_its_options():
    given = ["regime.quantize=fpga", "target=fpga", "target.decay_terms=1"]
    assert with_target(compose(None, given)).quantize.decay_terms == 1
    assert with_target(compose(None, given[:1])).quantize.decay_terms == 4
    other = ["regime.quantize=xylo/a3", "target=xylo/a2"]
    assert with_target(compose(None, other)).quantize.name == "xylo/a3"


class Remembering(NIR):
    """Counts how often integers are made, and of how many samples."""

    def __init__(self):
        self.samples = []

    def quantise(self, circuit, plan, x=None):
        self.samples.append(x.shape[1])
        return super().quantise(circuit, plan, x)


def test_an_evaluation_makes_integers_once_by_training_samples(tmp_path):
    cfg = compose(None, [*SMALL, "regime.quantize=nir", "trainer.max_epochs=1"])
    experiment = assemble(cfg)
    target = experiment.regime.quantize.target = Remembering()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "num_sanity_val_steps": 0}
    trainer = lightning.Trainer(
        max_epochs=1, limit_train_batches=4, limit_val_batches=3, default_root_dir=tmp_path, accelerator="cpu", **quiet
    )
    trainer.fit(experiment.regime, datamodule=experiment.data)
    assert target.samples == [8, 8, 8, 8, 128]
