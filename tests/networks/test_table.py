"""The table of layers and the estimate of memory."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network, Recurrent, Residual
from snnctl.networks.table import memory, table
from snnctl.neurons import LI, LIF

FACTS = Facts(shape=(2, 8, 8), classes=("a", "b", "c"), dt=1e-3, steps=None)
LAYERS = {
    "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1),
    "norm": nn.BatchNorm2d,
    "block": partial(Residual, layers={"n": LIF, "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1)}),
    "n": partial(LIF, learnable=["tau_mem"]),
    "flatten": nn.Flatten,
    "hidden": partial(nn.Linear, out_features=6),
    "r": partial(Recurrent, neuron=LIF),
    "fc": nn.Linear,
    "readout": LI,
}


def test_rows():
    rows = {row.layer: row for row in table(Network(LAYERS, FACTS), batch_size=5, steps=9)}
    assert list(rows) == ["conv", "norm", "block.n", "block.conv", "n", "flatten", "hidden", "r", "fc", "readout"]
    assert rows["conv"].shape == (9, 5, 4, 8, 8)
    assert rows["block.conv"].parameters == 4 * 4 * 9 + 4
    assert rows["n"].parameters == 1
    assert rows["r"].parameters == 36
    assert rows["fc"].kind == "Linear" and rows["fc"].shape == (9, 5, 3)
    assert sum(row.parameters for row in rows.values()) == sum(p.numel() for p in Network(LAYERS, FACTS).parameters())


@pytest.mark.parametrize("steps", [2, 9])
def test_bytes_are_what_autograd_really_keeps(steps):
    net = Network(LAYERS, FACTS)
    x = torch.rand(steps, 5, 2, 8, 8)
    known = {t.untyped_storage().data_ptr() for t in (x, *net.parameters(), *net.buffers())}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(x)
    real = sum(n for n, _ in kept.values())
    assert sum(row.bytes for row in table(net, 5, steps)) == pytest.approx(real, rel=0.02)


def test_memory_adds_up():
    net = Network({"flatten": nn.Flatten, "fc": nn.Linear}, FACTS)
    needed = memory(net, batch_size=5, steps=9)
    weights = (128 * 3 + 3) * 4
    # the flattened input is a view of the input, so nothing more is kept
    assert needed == (weights, weights, 2 * weights, 9 * 5 * 128 * 4)
    assert needed.total == 4 * weights + 9 * 5 * 128 * 4
    assert memory(net, 5, 9, moments=1).optimizer == weights


def test_steps_come_from_the_data_set_or_must_be_given():
    net = Network({"flatten": nn.Flatten, "fc": nn.Linear}, FACTS)
    with pytest.raises(UserError, match=r"dataset\.duration"):
        table(net, 4)
    known = Network({"flatten": nn.Flatten, "fc": nn.Linear}, Facts((2, 8, 8), FACTS.classes, 1e-3, 7))
    assert table(known, 4)[0].shape == (7, 4, 128)


def test_a_network_on_the_meta_device_has_a_table_too():
    with torch.device("meta"):
        net = Network(LAYERS, FACTS)
    assert table(net, 5, 9) == table(Network(LAYERS, FACTS), 5, 9)


class Deciding(LIF):
    """Asks for a value, which the meta device has none of."""

    def step(self, x, state, coefficients):
        return super().step(x if bool((x.detach() >= 0).all()) else -x, state, coefficients)


@pytest.mark.filterwarnings("ignore:Deciding.step")
def test_a_layer_that_decides_by_values():
    layers = {"flatten": nn.Flatten, "fc": nn.Linear, "n": Deciding}
    plain = table(Network({**layers, "n": LIF}, FACTS), batch_size=2, steps=5)
    assert [row[2:] for row in table(Network(layers, FACTS), batch_size=2, steps=5)] == [row[2:] for row in plain]
