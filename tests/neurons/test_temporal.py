"""Layers over time that are no elementwise step, as a network builds and runs them."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network
from snnctl.networks.table import table
from snnctl.neurons import (
    LI,
    PSN,
    SLSTM,
    AssociativeLeaky,
    MaskedPSN,
    SConvLSTM,
    SlidingPSN,
    SpikingGRU,
    SpikingLSTM,
    SpikingRNN,
)

FACTS = Facts(shape=(2, 6, 6), classes=("a", "b"), dt=1e-3, steps=8)
KINDS = [PSN, MaskedPSN, SlidingPSN, SLSTM, SpikingLSTM, SpikingGRU, SpikingRNN, partial(AssociativeLeaky, values=3)]


def network(layer, **more) -> Network:
    torch.manual_seed(0)
    inside = {"flatten": nn.Flatten, "fc": partial(nn.Linear, out_features=5), "layer": layer}
    return Network({**inside, "classes": nn.Linear, "readout": LI}, Facts(**{**vars(FACTS), **more}))


def name(kind) -> str:
    return getattr(kind, "func", kind).__name__


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_a_network_builds_it_runs_it_and_trains_it(kind):
    net = network(kind)
    x = torch.rand(8, 3, 2, 6, 6) * 4
    out, state = net(x)
    assert out.shape == (8, 3, 2) and isinstance(state["layer"], net.layers["layer"].State)
    out.sum().backward()
    assert all(p.grad is not None for p in net.layers["layer"].parameters())
    assert net.layers["layer"].runs_on(torch.zeros(1, 5), 1e-3).why
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin(x)[0], out)


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_its_memory_is_told_on_the_meta_device(kind):
    with torch.device("meta"):
        net = network(kind)
    row = {r.layer: r for r in table(net, 4)}["layer"]
    assert row.shape[:2] == (8, 4) and row.parameters and row.bytes


def test_maps_stay_maps():
    net = Network(
        {"lstm": partial(SConvLSTM, out_channels=3, pool="max"), "flatten": nn.Flatten, "fc": nn.Linear}, FACTS
    )
    assert net.shapes["lstm"] == (3, 3, 3) and net(torch.rand(8, 2, 2, 6, 6))[0].shape == (8, 2, 2)


def test_sequences_of_unknown_length_and_wrong_shapes_are_told_where_they_stand():
    with pytest.raises(UserError, match=r"network layer layer: PSN: steps is None"):
        network(PSN, steps=None)
    with pytest.raises(UserError, match=r"network layer 0: SLSTM: it gets \(2, 6, 6\) at each step"):
        Network([SLSTM], FACTS)
    assert network(SlidingPSN, steps=None)(torch.rand(30, 1, 2, 6, 6))[0].shape == (30, 1, 2)


def test_inputs_and_states_of_the_wrong_kind_are_refused():
    layer = SLSTM(shape=(3,))
    with pytest.raises(UserError, match="one time step or more"):
        layer(torch.rand(0, 2, 3), dt=1e-3)
    with pytest.raises(UserError, match="state is a Tensor"):
        layer(torch.rand(2, 2, 3), torch.zeros(2, 3), dt=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int64])
def test_half_precision_and_counts_are_computed_in_full(dtype):
    for kind in (partial(PSN, steps=4), SlidingPSN, partial(SLSTM, shape=(3,))):
        out, _ = kind()(torch.ones(4, 2, 3, dtype=dtype), dt=1e-3)
        assert out.dtype == (dtype if dtype.is_floating_point else torch.float32)
