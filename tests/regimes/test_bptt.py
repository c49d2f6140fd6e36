"""Backpropagation through time: truncation, recomputation, regularizers, schedules."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.losses import FiringRate, MeanMembraneCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT

FACTS = Facts((5,), ("a", "b", "c"), 1e-3, 12)


def network() -> Network:
    torch.manual_seed(0)
    lif, li = partial(LIF, tau_mem=5e-3), partial(LI, tau_mem=5e-3)
    linear = torch.nn.Linear
    return Network({"fc": partial(linear, out_features=8), "lif": lif, "out": linear, "li": li}, FACTS)


def batch(steps: int = 12) -> Batch:
    draw = torch.Generator().manual_seed(1)
    x = torch.rand(steps, 4, 5, generator=draw) * 3
    return Batch(x, torch.tensor([0, 1, 2, 0]), torch.full((4,), steps), torch.arange(4))


def gradients(**options) -> dict[str, torch.Tensor]:
    regime = BPTT(network(), MeanMembraneCrossEntropy(), partial(torch.optim.SGD, lr=0.1), **options)
    data = batch()
    loss = regime.loss(regime.outputs(data), data.target, data.length)
    penalty = regime.penalty(data)
    (loss if penalty is None else loss + penalty).backward()
    return {name: p.grad for name, p in regime.network.named_parameters()}


@pytest.mark.parametrize("recompute", [1, 5, 12, 100])
def test_recomputing_changes_no_gradient(recompute):
    whole, chunks = gradients(), gradients(recompute=recompute)
    for name in whole:
        torch.testing.assert_close(chunks[name], whole[name], rtol=1e-5, atol=1e-7)


def test_recomputing_changes_no_gradient_of_a_regularizer():
    rate = {"rate": FiringRate(low=0.5, high=0.6, weight=1.0)}
    whole, chunks, without = gradients(regularizers=rate), gradients(regularizers=rate, recompute=5), gradients()
    for name in ("layers.fc.weight", "layers.fc.bias"):
        torch.testing.assert_close(chunks[name], whole[name], rtol=1e-5, atol=1e-7)
        assert not torch.allclose(whole[name], without[name])


def test_truncation_cuts_the_gradient_between_chunks_and_nothing_else():
    whole = gradients()
    torch.testing.assert_close(gradients(truncate=12), whole)
    cut = gradients(truncate=1)["layers.fc.weight"]
    assert not torch.allclose(cut, whole["layers.fc.weight"], rtol=1e-3)
    # by hand: with the state detached at every step, each step's gradient comes from that step alone
    net, data = network(), batch()
    state, outs = None, []
    for x in data.x:
        out, state = net(x[None], state)
        outs.append(out)
        state = {k: type(s)(*(None if f is None else f.detach() for f in s)) for k, s in state.items()}
    MeanMembraneCrossEntropy()(torch.cat(outs), data.target, data.length).backward()
    torch.testing.assert_close(cut, net.layers["fc"].weight.grad)


def test_chunks_give_the_outputs_of_the_whole():
    data = batch()
    whole = BPTT(network(), MeanMembraneCrossEntropy(), torch.optim.SGD).outputs(data)
    for options in ({"truncate": 5}, {"recompute": 5}, {"truncate": 6, "recompute": 4}):
        chunks = BPTT(network(), MeanMembraneCrossEntropy(), torch.optim.SGD, **options).outputs(data)
        torch.testing.assert_close(chunks, whole, rtol=1e-5, atol=1e-7)


def test_steps_below_one_are_refused():
    with pytest.raises(UserError, match="truncate = 0"):
        BPTT(network(), MeanMembraneCrossEntropy(), torch.optim.SGD, truncate=0)
