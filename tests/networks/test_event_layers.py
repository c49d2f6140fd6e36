"""Networks on a list of events: what they give on frames, without making any where they begin with a linear layer."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import EventList
from snnctl.datasets.facts import Facts
from snnctl.metrics import NeuroBench
from snnctl.networks import Network
from snnctl.networks.chain import Chain
from snnctl.networks.repeat import Repeat
from snnctl.networks.residual import Residual
from snnctl.neurons import LI, LIF

SHAPE = (2, 5, 4)
FACTS = Facts(shape=SHAPE, classes=("a", "b", "c"), dt=1e-3, steps=None)


def listed(steps: int = 25, batch: int = 4, rate: float = 0.1, shape: tuple[int, ...] = SHAPE) -> EventList:
    """Random events, some of them twice."""
    rng = torch.Generator().manual_seed(3)
    counts = torch.poisson(torch.full((steps * batch, int(torch.Size(shape).numel())), rate), generator=rng).long()
    cell, code = counts.nonzero(as_tuple=True)
    codes = code.repeat_interleave(counts[cell, code]).int()
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), counts.sum(1).cumsum(0)])
    return EventList(codes, offsets, steps, batch, shape)


def mlp(**layers) -> Network:
    torch.manual_seed(0)
    body = {"fc": partial(nn.Linear, out_features=12), "lif": partial(LIF, threshold=0.2), "out": nn.Linear, "li": LI}
    return Network({"flat": nn.Flatten, **(layers or body)}, FACTS)


def runs(net: Network, x: EventList, patch: pytest.MonkeyPatch) -> tuple[torch.Tensor, int]:
    """The output, and how often frames were made."""
    made = []
    dense = EventList.dense
    patch.setattr(EventList, "dense", lambda self: made.append(1) or dense(self))
    out = net(x)[0]
    patch.undo()
    return out, len(made)


NESTED = {
    "plain": lambda: mlp(),
    "chain": lambda: mlp(
        block=partial(Chain, {"flat": nn.Flatten, "fc": partial(nn.Linear, out_features=12), "lif": LIF}),
        out=nn.Linear, li=LI,
    ),
    "repeat": lambda: mlp(
        block=partial(Repeat, {"fc": nn.Linear, "lif": LIF}, each={"out_features": [12, 9]}), out=nn.Linear, li=LI
    ),
    "a chain that only flattens": lambda: mlp(block=partial(Chain, {"flat": nn.Flatten}), fc=nn.Linear, li=LI),
    "no bias": lambda: mlp(fc=partial(nn.Linear, out_features=8, bias=False), lif=LIF, out=nn.Linear),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_a_linear_layer_at_the_beginning_needs_no_frames(name, monkeypatch):
    net, x = NESTED[name](), listed()
    out, made = runs(net, x, monkeypatch)
    assert made == 0
    torch.testing.assert_close(out, net(x.dense())[0])
    first = next(m for m in net.modules() if isinstance(m, nn.Linear))
    up = torch.randn(out.shape)
    gradient = torch.autograd.grad(out, first.weight, up, retain_graph=True)[0]
    expected = torch.autograd.grad(net(x.dense())[0], first.weight, up)[0]
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)
    assert expected.abs().sum() > 0


FRAMES = {
    "conv": lambda: mlp(lif=LIF, fc=nn.Linear),
    "residual": lambda: mlp(block=partial(Residual, {"fc": partial(nn.Linear, out_features=40)}), out=nn.Linear),
    "another flatten": lambda: Network(
        {"f": partial(nn.Flatten, start_dim=2), "g": nn.Flatten, "fc": nn.Linear}, FACTS
    ),
    "last dimension": lambda: Network(
        {"fc": partial(nn.Linear, in_features=4, out_features=2), "g": nn.Flatten, "out": nn.Linear}, FACTS
    ),
    "a class of the user's": lambda: mlp(fc=partial(type("Mine", (nn.Linear,), {}), out_features=3)),
    "parametrized": lambda: _parametrized(mlp()),
}


def _parametrized(net: Network) -> Network:
    nn.utils.parametrizations.weight_norm(net.layers["fc"])
    return net


@pytest.mark.parametrize("name", FRAMES)
def test_before_any_other_layer_frames_are_made_once(name, monkeypatch):
    net, x = FRAMES[name](), listed()
    out, made = runs(net, x, monkeypatch)
    assert made == 1
    torch.testing.assert_close(out, net(x.dense())[0], rtol=0, atol=0)


def test_many_events_and_few_cells_are_made_dense(monkeypatch):
    net = mlp()
    for x in (listed(rate=1.0), listed(steps=2, batch=1)):
        out, made = runs(net, x, monkeypatch)
        assert made == 1
        torch.testing.assert_close(out, net(x.dense())[0], rtol=0, atol=0)


@pytest.mark.parametrize("layer", ["flat", "fc"])
@pytest.mark.parametrize("kind", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_see_what_they_see_on_frames(layer, kind):
    net, x, seen = mlp(), listed(), []
    handle = getattr(net.layers[layer], kind)(lambda module, args, *out: seen.append(args[0]))
    out = net(x)[0]
    expected = net(x.dense())[0]
    assert len(seen) == 2 and torch.equal(*seen)
    torch.testing.assert_close(out, expected, rtol=0, atol=0)
    handle.remove()
    net(x)
    assert len(seen) == 2


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_global_and_backward_hooks_see_the_first_layer():
    net, x, seen = mlp(), listed(), []
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, out: seen.append(module))
    net(x)
    handle.remove()
    assert net.layers["flat"] in seen and net.layers["fc"] in seen
    handle = net.layers["fc"].register_full_backward_hook(lambda module, d_in, d_out: seen.append("backward"))
    net(x)[0].sum().backward()
    handle.remove()
    assert seen[-1] == "backward"


def test_counted_operations_are_those_of_frames():
    net, x = mlp().eval(), listed()
    length = torch.tensor([25, 20, 7, 1])
    results = []
    for given in (x, x.dense()):
        with NeuroBench(net) as bench:
            bench.run(given, length)
        results.append(bench.result())
    assert results[0] == results[1]
    assert results[0].layers[0].effective > 0


def test_it_trains_and_copies(monkeypatch):
    net, x = mlp(), listed()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        torch.testing.assert_close(twin(x)[0], net(x)[0], rtol=0, atol=0)
    on_frames = copy.deepcopy(net)
    for one, given in ((net, x), (on_frames, x.dense())):
        optimizer = torch.optim.SGD(one.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            one(given)[0].pow(2).mean().backward()
            optimizer.step()
    torch.testing.assert_close(net.layers["fc"].weight, on_frames.layers["fc"].weight, rtol=1e-4, atol=1e-6)


def test_transforms_of_torch_func():
    net, x = mlp(), listed()
    parameters = dict(net.named_parameters())

    def loss(own):
        return torch.func.functional_call(net, own, (x,))[0].pow(2).mean()

    expected = torch.autograd.grad(loss(parameters), parameters["layers.fc.weight"])[0]
    detached = {name: p.detach() for name, p in parameters.items()}
    torch.testing.assert_close(torch.func.grad(loss)(detached)["layers.fc.weight"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("steps", "batch"), [(0, 4), (5, 0)])
def test_nothing(steps, batch):
    net = mlp(fc=nn.Linear)
    x = EventList(torch.empty(0, dtype=torch.int32), torch.zeros(1, dtype=torch.int64), steps, batch, SHAPE)
    assert net(x)[0].shape == (steps, batch, 3)


def test_no_events_give_the_bias(monkeypatch):
    net = mlp(fc=nn.Linear)
    x = EventList(torch.empty(0, dtype=torch.int32), torch.zeros(101, dtype=torch.int64), 25, 4, SHAPE)
    out, made = runs(net, x, monkeypatch)
    assert made == 0
    assert torch.equal(out, net.layers["fc"].bias.expand(25, 4, 3))
