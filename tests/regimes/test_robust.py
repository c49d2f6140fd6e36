"""Training for parameters that are wrong: the adversary, the mismatch, and what they leave alone."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT
from snnctl.regimes.robust import Robust

LENGTH = torch.tensor([9, 5, 7, 9])


def network() -> Network:
    torch.manual_seed(0)
    facts = Facts((5,), ("a", "b", "c"), 1e-3, 9)
    layers = {
        "fc": partial(nn.Linear, out_features=20),
        "norm": nn.BatchNorm1d,
        "lif": partial(LIF, tau_mem=5e-3, learnable=["tau_mem"]),
        "drop": nn.Dropout(0.5),
        "out": nn.Linear,
        "li": partial(LI, tau_mem=5e-3),
    }
    return Network(layers, facts)


def inputs() -> torch.Tensor:
    return torch.rand(9, 4, 5, generator=torch.Generator().manual_seed(1)) * 3


def scores(out: torch.Tensor) -> torch.Tensor:
    return MeanMembraneCrossEntropy().scores(out, LENGTH)


def attacked(robust: Robust, net: Network) -> dict[str, torch.Tensor]:
    net.eval()
    return robust.attack(net, net(inputs())[0].detach(), scores, inputs(), LENGTH)


@pytest.mark.parametrize("distance", ["kl", "mse"])
def test_the_adversary_stays_within_its_reach_and_does_harm(distance):
    robust, net = Robust(level=0.1, steps=5, start=0.01, distance=distance), network()
    found = attacked(robust, net)
    for name, p in net.named_parameters():
        scale = 1.0 if "log_tau" in name else p.abs()
        assert ((found[name] - p).abs() <= (0.1 + 0.01 * 5) * scale + 1e-7).all(), name
    clean = net(inputs())[0]
    worst = torch.func.functional_call(net, found, (inputs(),))[0]
    at_random = Robust(noise=0.1).mismatched(net)(inputs())[0]
    apart = partial(robust.apart, scores=scores, length=LENGTH)
    assert apart(clean, worst) > 2 * apart(clean, at_random) > 0
    assert apart(clean, clean).item() == pytest.approx(0, abs=1e-6)


def test_only_the_parameters_named_are_perturbed():
    assert list(attacked(Robust(parameters="lif.tau_mem", steps=1), network())) == ["layers.lif.log_tau_mem"]
    with pytest.raises(UserError, match=r"no parameter is called 'fc.w'"):
        Robust(noise=0.1, parameters="fc.w").mismatched(network())


def test_a_penalty_leaves_the_network_as_it_was():
    net = network()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    net.layers["drop"].eval()
    penalty = Robust(steps=2).penalty(net, scores, inputs(), LENGTH)
    penalty.backward()
    assert penalty > 0 and net.layers["fc"].weight.grad.any() and net.training and not net.layers["drop"].training
    for name, t in net.state_dict().items():
        assert torch.equal(t, before[name]), name


def test_mismatch_is_a_share_of_each_parameter():
    linear = nn.Linear(400, 400)
    drawn = []

    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = linear

        def forward(self, x, state):
            drawn.append(self.inner.weight)
            return x, None

    Robust(noise=0.3, parameters="*.weight").mismatched(Seen())(torch.zeros(1, 1, 400))
    share = (drawn[0] / linear.weight - 1).detach()
    assert share.mean().item() == pytest.approx(0, abs=0.01) and share.std().item() == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize("options", [{}, {"recompute": 4}, {"truncate": 3}])
def test_a_regime_with_it(options):
    def gradients(robust: Robust | None) -> dict[str, torch.Tensor]:
        torch.manual_seed(5)
        net = network()
        net.layers["drop"].eval()
        regime = BPTT(net, MeanMembraneCrossEntropy(), torch.optim.SGD, robust=robust, **options)
        data = Batch(inputs(), torch.tensor([0, 1, 2, 0]), LENGTH, torch.arange(4))
        loss, penalty = regime.loss(regime.outputs(data), data.target, LENGTH), regime.penalty(data)
        (loss if penalty is None else loss + penalty).backward()
        assert not any(name.startswith("_") for name in regime.state_dict())
        return {name: p.grad for name, p in net.named_parameters()}

    plain = gradients(None)
    assert all(torch.equal(g, plain[n]) for n, g in gradients(Robust(noise=0.0, weight=0.0)).items())
    for robust in (Robust(noise=0.2, weight=0.0), Robust(weight=5.0, steps=2)):
        other = gradients(robust)
        assert all(g.isfinite().all() for g in other.values())
        assert not torch.allclose(other["layers.fc.weight"], plain["layers.fc.weight"], rtol=1e-3)


@pytest.mark.parametrize("wrong", [{"noise": -1.0}, {"steps": 0}, {"distance": "l1"}, {"level": -0.1}])
def test_values_out_of_range(wrong):
    with pytest.raises(UserError, match=f"regime.robust.{next(iter(wrong))}"):
        Robust(**wrong)


def test_thresholds_alone_can_be_off_each_neuron_by_its_own_error():
    lif = partial(LIF, tau_mem=5e-3, threshold=0.5, per="neuron", learnable=["threshold"])
    layers = {"fc": partial(nn.Linear, out_features=200), "lif": lif, "out": nn.Linear}
    net = Network(layers, Facts((5,), ("a", "b"), 1e-3, 9))
    drawn = Robust(noise=0.2, parameters="*.threshold").drawn(net)
    assert list(drawn) == ["layers.lif.threshold"]
    assert drawn["layers.lif.threshold"].std().item() == pytest.approx(0.2 * 0.5, rel=0.2)
    drawn["layers.lif.threshold"].sum().backward()
    assert net.layers["lif"].threshold.grad.eq(1).all()  # the gradient is that of the network's own thresholds
