"""What regularizers read: spikes, membranes, operations and parameters of a network in training."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import L1Sparsity, MeanMembraneCrossEntropy, MembraneBounds, ParameterNorm, SynapseBudget
from snnctl.metrics.neurobench import NeuroBench
from snnctl.networks import Network, Recurrent
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT
from snnctl.regimes.watching import Watch, named_values

ALL = {
    "rate": L1Sparsity(weight=1.0),
    "v": MembraneBounds(low=0.0, high=0.1),
    "ops": SynapseBudget(budget=1.0),
    "norm": ParameterNorm(weight=1.0),
}


def network(**options) -> Network:
    torch.manual_seed(0)
    facts = Facts((2, 5, 6), ("a", "b", "c"), 1e-3, 9)
    lif = partial(LIF, tau_mem=5e-3, **options)
    layers = {
        "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3),
        "lif": lif,
        "flatten": nn.Flatten,
        "fc": partial(nn.Linear, out_features=7),
        "again": partial(Recurrent, neuron=lif),
        "out": nn.Linear,
        "li": partial(LI, tau_mem=5e-3),
    }
    return Network(layers, facts)


def batch(batch_major: bool = False) -> Batch:
    x = torch.poisson(torch.full((9, 4, 2, 5, 6), 0.7), generator=torch.Generator().manual_seed(1))
    x = x.transpose(0, 1).contiguous().transpose(0, 1) if batch_major else x
    return Batch(x, torch.tensor([0, 1, 2, 0]), torch.tensor([9, 5, 7, 9]), torch.arange(4))


def test_what_is_read_is_what_the_layers_did():
    net, data = network(), batch()
    watch = Watch(net, {"spikes", "membranes"})
    watch.begin(4)
    out = net(data.x)[0]
    spikes, membranes = watch.seen("spikes"), watch.seen("membranes")
    assert list(spikes) == ["lif", "again"] and list(membranes) == ["lif", "again", "li"]
    current = net.layers["conv"](data.x.flatten(0, 1)).unflatten(0, (9, 4))
    fired, _, states = net.layers["lif"].trace(current, dt=1e-3)
    torch.testing.assert_close(spikes["lif"], fired)
    torch.testing.assert_close(membranes["lif"], states["v"])
    torch.testing.assert_close(membranes["li"], out)


@pytest.mark.parametrize("batch_major", [False, True])
def test_operations_of_binary_inputs_are_those_of_the_metric(batch_major):
    data = batch(batch_major)
    data = data._replace(x=(data.x > 0).float())
    net = network()
    with NeuroBench(net) as bench:
        bench.run(data.x, data.length)
    counted = {row.layer: row.effective for row in bench.result().layers}
    watch = Watch(net, {"operations"})
    watch.begin(4)
    net(data.x)
    seen = watch.seen("operations")
    assert seen.keys() == counted.keys()
    for name, operations in seen.items():
        steps = data.length - 1 if name.endswith("feedback") else data.length  # the last spikes meet no step after
        valid = torch.arange(9)[:, None] < steps
        assert float((operations * valid).detach().sum()) / 4 == pytest.approx(counted[name]), name


def gradients(truncate: int | None = None, **options) -> dict[str, torch.Tensor]:
    net = network(learnable=["tau_mem"])
    regime = BPTT(net, MeanMembraneCrossEntropy(), torch.optim.SGD, regularizers=ALL, truncate=truncate, **options)
    data = batch()
    loss = regime.loss(regime.outputs(data), data.target, data.length) + regime.penalty(data)
    loss.backward()
    return {name: p.grad for name, p in net.named_parameters()}


@pytest.mark.parametrize("recompute", [1, 4, 9])
def test_recomputing_changes_no_gradient_of_any(recompute):
    whole, chunks = gradients(), gradients(recompute=recompute)
    for name in whole:
        torch.testing.assert_close(chunks[name], whole[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", list(ALL))
def test_each_has_a_gradient(name):
    net, data = network(), batch()
    regime = BPTT(net, MeanMembraneCrossEntropy(), torch.optim.SGD, regularizers={name: ALL[name]})
    regime.outputs(data)
    penalty = regime.penalty(data)
    penalty.backward()
    assert penalty > 0 and net.layers["conv"].weight.grad.any()


def test_nothing_is_kept_in_evaluation():
    net, data = network(), batch()
    watch = Watch(net.eval(), {"spikes", "operations", "membranes"})
    watch.begin(4)
    net(data.x)
    assert not watch.seen("spikes") and not watch.seen("operations") and not watch.seen("membranes")


def test_nothing_is_kept_before_the_first_batch():
    net = network()
    watch = Watch(net, {"spikes", "membranes", "operations"})
    net(batch().x)
    assert not any(watch.seen(kind) for kind in ("spikes", "membranes", "operations"))


def test_parameters_by_their_names():
    net = network(learnable=["tau_mem"])
    values = named_values(net)
    assert {"conv.weight", "lif.tau_mem", "again.neuron.tau_mem", "out.bias"} <= set(values)
    assert values["lif.tau_mem"].item() == pytest.approx(5e-3)


def test_what_cannot_be_read():
    with pytest.raises(UserError, match=r"'weights'\nchoose from    spikes, membranes"):
        Watch(network(), {"weights"})
