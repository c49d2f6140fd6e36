"""A network that learns while it runs: step by step, at a sequence's end, and not from padding."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks import Local2d, Network, StochasticLinear
from snnctl.neurons import ALIF, LIF
from snnctl.plasticity import Homeostasis, Oja, PairSTDP
from snnctl.plasticity.connections import changed
from snnctl.plasticity.passes import PlasticPass
from tests.networks.presets import data

STEPS, BATCH = 30, 3
LIF2 = partial(LIF, tau_mem=5e-3, threshold=0.5)


def network() -> Network:
    torch.manual_seed(0)
    linear = partial(nn.Linear, bias=False)
    net = Network({"fc": partial(linear, out_features=5), "lif": LIF2, "out": linear, "last": LIF2}, data((8,), 3))
    for p in net.parameters():
        nn.init.uniform_(p, 0.1, 0.5)
    return net


def spikes(shape=(8,), steps: int = STEPS) -> Tensor:
    return (torch.rand(steps, BATCH, *shape, generator=torch.Generator().manual_seed(1)) < 0.3).float()


LENGTH = torch.full((BATCH,), STEPS)
RULE = PairSTDP(synapses="fc", eta_plus=0.02, eta_minus=0.01, low=0.0, high=1.0)


def test_every_step_sees_the_weights_of_the_step_before():
    net, x, twin = network(), spikes(), network()
    out = PlasticPass(net, {"a": RULE}, backend="eager").run(x, LENGTH)
    fc, lif = twin.layers["fc"], twin.layers["lif"]
    coefs, state, inner = RULE.coefficients(1e-3), RULE.initial_state(x[0], torch.zeros(BATCH, 5)), None
    with torch.no_grad():
        for x_t in x:  # by hand
            s, inner = lif(fc(x_t)[None], inner, dt=1e-3)
            terms, state = RULE.step(x_t, s[0], state, coefs)
            fc.weight.copy_(changed(fc, RULE, terms, BATCH)[0])
    assert torch.equal(net.layers["fc"].weight, fc.weight)
    assert not torch.equal(fc.weight, network().layers["fc"].weight)
    assert torch.equal(net.layers["out"].weight, twin.layers["out"].weight)
    assert out.shape == (STEPS, BATCH, 3)


def test_at_a_sequences_end_all_changes_are_of_the_first_weights():
    net, x = network(), spikes()
    before = net.layers["fc"].weight.detach().clone()
    rule = PairSTDP(synapses="fc", eta_plus=1e-3, eta_minus=1e-3, dependence="proportional")
    out = PlasticPass(net, {"a": rule}, apply="sequence").run(x, LENGTH)
    twin = network()
    assert torch.equal(out, twin(x)[0])
    seen = twin.layers["lif"](twin.layers["fc"](x), dt=1e-3)[0].detach()
    coefs, state = rule.coefficients(1e-3), rule.initial_state(x[0], seen[0])
    total = torch.zeros_like(before)
    for pre, post in zip(x, seen, strict=True):
        terms, state = rule.step(pre, post, state, coefs)
        total += changed(twin.layers["fc"], rule, terms, BATCH)[0] - before
    torch.testing.assert_close(net.layers["fc"].weight.detach(), before + total, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [RULE, Oja(synapses="fc", eta=1e-3), Homeostasis(synapses="fc", rate=50.0)])
@pytest.mark.parametrize("apply", ["step", "sequence"])
def test_padding_teaches_nothing(apply, rule):
    length = torch.full((BATCH,), 20)
    found = []
    for given in (spikes(), spikes()[:20]):
        net = network()
        PlasticPass(net, {"a": rule}, apply=apply, backend="eager").run(given, length)
        found.append(net.layers["fc"].weight.clone())
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-7)
    assert not torch.equal(found[0], network().layers["fc"].weight)


def test_rules_on_convolutions_local_and_unreliable_synapses_and_two_rules_at_once():
    torch.manual_seed(0)
    layers = {
        "conv": partial(nn.Conv2d, out_channels=2, kernel_size=3, bias=False), "a": LIF2,
        "local": partial(Local2d, out_channels=2, kernel_size=2, bias=False), "b": LIF2,
        "flatten": nn.Flatten, "chance": partial(StochasticLinear, out_features=3, bias=False), "c": LIF2,
    }  # fmt: skip
    net = Network(layers, data((1, 6, 6), 3))
    for p in net.parameters():
        nn.init.uniform_(p, 0.1, 0.6)
    before = {name: p.clone() for name, p in net.named_parameters()}
    plastic = PlasticPass(net, {"pair": PairSTDP(low=0.0, high=1.0), "oja": Oja(synapses="conv", eta=1e-3)})
    assert [s.synapses for s in plastic.sites] == ["conv", "conv", "local", "chance"]
    plastic.run(spikes((1, 6, 6)), LENGTH)
    assert all(not torch.equal(p, before[name]) for name, p in net.named_parameters())


def test_a_kept_threshold_rises_by_beta_a_spike_and_stays():
    torch.manual_seed(0)
    neuron = partial(ALIF, tau_mem=5e-3, threshold=0.5, tau_adapt=1e4, beta=0.1, adapt_gain=1.0, per="neuron",
                     learnable=["threshold"])  # fmt: skip
    net = Network({"fc": partial(nn.Linear, out_features=4), "alif": neuron, "out": nn.Linear}, data((8,), 3))
    counts = []
    net.layers["alif"].register_forward_hook(lambda m, args, out: counts.append(out[0].sum((0, 1))))
    plastic = PlasticPass(net, {}, keep=["alif"], backend="eager")
    for _ in range(2):
        plastic.run(spikes(), LENGTH)
    rise = net.layers["alif"].threshold.detach() - 0.5
    torch.testing.assert_close(rise, 0.1 * torch.stack(counts).sum(0), rtol=1e-4, atol=1e-4)
    assert rise.max() > 0


@pytest.mark.parametrize(
    ("layer", "message"),
    [("lif", "no adaptation"), ("alfi", "no layer is called"), ("alif", "share one threshold")],
)
def test_thresholds_that_cannot_be_kept_are_named(layer, message):
    layers = {"a": partial(nn.Linear, out_features=4), "lif": LIF2, "alif": ALIF, "out": nn.Linear}
    with pytest.raises(UserError, match=message):
        PlasticPass(Network(layers, data((8,), 3)), {}, keep=[layer])


def test_nothing_to_learn_is_told():
    with pytest.raises(UserError, match="nothing learns"):
        PlasticPass(network(), {})


def test_first_weights_are_drawn_where_a_rule_says_so():
    net = network()
    PlasticPass(net, {"a": PairSTDP(synapses="fc", start=[0.7, 0.8])})
    assert 0.7 <= net.layers["fc"].weight.min() <= net.layers["fc"].weight.max() <= 0.8
