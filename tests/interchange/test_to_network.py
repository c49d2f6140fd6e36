"""A NIR file as a network: ordinary layers where it is a chain, trainable, and looked into as any other."""

from __future__ import annotations

from functools import partial

import nir
import numpy as np
import pytest
import torch
from torch import nn

from snnctl.circuits import Circuit
from snnctl.errors import UserError
from snnctl.interchange import NIRNetwork, circuit_of, graph_of, network_of, write
from snnctl.metrics import NeuroBench
from snnctl.networks import (
    Back,
    Delay,
    Loop,
    MapToMap,
    Network,
    OneToOne,
    Recurrent,
    Repeat,
    Residual,
)
from snnctl.neurons import LI, LIF, CubaLIF, Integrator
from snnctl.report.recording import record
from tests.interchange.run import traces
from tests.networks.presets import data

SPIKES = partial(LIF, reset="zero", tau_mem=5e-3, threshold=0.6, backend="eager")
READOUT = {"classes": nn.Linear, "out": partial(LI, backend="eager")}
CONV = partial(nn.Conv2d, out_channels=3, kernel_size=3)
WEIGHTS = partial(nn.Linear, out_features=6, bias=False)
FACTS, MAPS = data((6,), 3), data((2, 6, 6), 3)


def net(facts=FACTS, **layers) -> Network:
    torch.manual_seed(0)
    return Network({**layers, **READOUT}, facts).eval()


def back(network: Network, path, **options) -> NIRNetwork:
    write(path, graph_of(network))
    return NIRNetwork(network.facts, str(path), backend="eager", **options).eval()


def looped(facts=FACTS) -> Network:
    """A graph that is no chain: two layers of which the second comes back to the first, and a residual block."""
    loop = partial(Loop, layers={"a": SPIKES, "fc": partial(nn.Linear, out_features=6), "b": SPIKES},
                   back={"up": partial(Back, source="b", target="a", through=WEIGHTS)})  # fmt: skip
    block = {"fc": partial(nn.Linear, out_features=6), "n": SPIKES}
    first = {"fc": partial(nn.Linear, out_features=6)}
    return net(facts, **first, loop=loop, block=partial(Residual, layers=block))


@pytest.mark.parametrize(
    ("facts", "layers"),
    [
        (FACTS, {"fc": partial(nn.Linear, out_features=8), "n": SPIKES}),
        (FACTS, {"hidden": partial(Repeat, each={"out_features": [8, 7]}, layers={"fc": nn.Linear, "n": SPIKES})}),
        (FACTS, {"r": partial(Recurrent, neuron=SPIKES)}),
        (FACTS, {"r": partial(Recurrent, neuron=SPIKES, feedback=OneToOne)}),
        (FACTS, {"n": SPIKES, "late": partial(Delay, delay=2e-3)}),
        (
            MAPS,
            {"r": partial(Recurrent, neuron=SPIKES, feedback=MapToMap), "f": nn.Flatten},
        ),
        (
            MAPS,
            {"c": partial(nn.Conv2d, out_channels=3, kernel_size=3), "b": nn.BatchNorm2d, "n": SPIKES, "f": nn.Flatten},
        ),
    ],
)
def test_a_chain_is_ordinary_layers(facts, layers, tmp_path):
    network = net(facts, **layers)
    again = back(network, tmp_path / "a.nir")
    assert not any(isinstance(m, Circuit) for m in again.modules())
    norms = [name for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)]
    kinds = [(n, type(m).__name__) for n, m, _ in network.walk() if f"layers.{n}" not in norms]
    renamed = [("out_delay" if n == "late" else n, kind) for n, kind in kinds]
    assert [(n, type(m).__name__) for n, m, _ in again.walk()] == renamed
    x = torch.rand(20, 2, *facts.shape) * 4
    expected, given = traces(network, x), traces(again, x)
    assert expected["output"].abs().sum() > 0
    for name in given:
        torch.testing.assert_close(given[name], expected["late" if name == "out_delay" else name])


def test_any_other_graph_is_a_circuit_with_layers_by_name(tmp_path):
    network = looped()
    again = back(network, tmp_path / "a.nir")
    assert [type(layer) for layer in again.layers.values()] == [Circuit]
    assert list(again.temporal_layers()) == ["loop.a", "loop.b", "block.n", "out"]
    linear = {n for n, m, _ in again.walk() if isinstance(m, nn.Linear)}
    assert linear == {"fc", "loop.back.up", "loop.fc", "block.fc", "classes", "classes of loop.b"}
    x = torch.rand(20, 2, 6) * 4
    torch.testing.assert_close(again(x)[0], network(x)[0])
    first, state = again(x[:7])
    torch.testing.assert_close(torch.cat([first, again(x[7:], state)[0]]), network(x)[0])


def test_hooks_see_what_a_cycle_does(tmp_path):
    """Populations and layers that are run step by step are called once, with all steps."""
    again = back(looped(), tmp_path / "a.nir")
    x = torch.rand(20, 2, 6) * 4
    out, heard = again(x)[0], traces(again, x)
    torch.testing.assert_close(heard["output"], out)
    sizes = {"loop.a": 6, "loop.b": 6, "block.n": 6, "out": 3, "output": 3}
    assert {name: tuple(t.shape) for name, t in heard.items()} == {name: (20, 2, n) for name, n in sizes.items()}
    recorded = record(again, x, ["spikes", "v", "input"])
    assert np.array_equal(recorded["loop.a/spikes"], heard["loop.a"].numpy())
    weights = {n: m for n, m, _ in again.walk() if isinstance(m, nn.Linear)}
    rows = {}
    hooks = [
        m.register_forward_hook(lambda m, a, o, n=n: rows.update({n: (a[0].shape, o)})) for n, m in weights.items()
    ]
    again(x)
    for hook in hooks:
        hook.remove()
    assert {n: shape for n, (shape, _) in rows.items()} == dict.fromkeys(weights, (40, 6))
    current = rows["fc"][1] + rows["loop.back.up"][1]
    np.testing.assert_allclose(recorded["loop.a/input"].reshape(40, 6), current.detach(), atol=1e-6)
    assert heard["loop.b"].any()
    with NeuroBench(again) as bench, torch.no_grad():
        bench.run(x, torch.full((2,), 20))
    counted = {row.layer: row.effective for row in bench.result().layers}
    expected = sum((heard["loop.b"][t] != 0).sum().item() for t in range(19)) * 6 / 2
    assert counted["loop.back.up"] == expected  # each spike of b but those of the last step reaches six neurons of a


def test_it_trains_as_what_it_was_written_from(tmp_path):
    network = net(fc=partial(nn.Linear, out_features=8), r=partial(Recurrent, neuron=SPIKES))
    again = back(network, tmp_path / "a.nir")
    x = torch.rand(12, 4, 6) * 3
    for model in (network, again):
        model(x)[0].mean(0).softmax(1)[:, 0].sum().backward()
    theirs = dict(network.named_parameters())
    assert {n for n, p in again.named_parameters() if p.grad is not None and p.grad.any()} == theirs.keys()
    for name, p in again.named_parameters():
        torch.testing.assert_close(p.grad, theirs[name].grad)


def test_a_circuit_trains_too(tmp_path):
    again = back(looped(), tmp_path / "a.nir", learnable=["tau_mem"])
    again(torch.rand(12, 4, 6) * 4)[0].mean(0).softmax(1)[:, 0].sum().backward()
    named = dict(again.named_parameters())
    assert sum(name.endswith("log_tau_mem") for name in named) == 4
    assert [name for name, p in named.items() if p.grad is None or not p.grad.any()] == []


def test_learnable_goes_to_the_neurons_that_have_it(tmp_path):
    network = net(fc=partial(nn.Linear, out_features=8), n=partial(CubaLIF, reset="zero", backend="eager"))
    again = back(network, tmp_path / "a.nir", learnable=["tau_syn", "tau_mem"])
    assert again.layers["n"].learnable == ("tau_syn", "tau_mem") and again.layers["out"].learnable == ("tau_mem",)
    with pytest.raises(UserError, match=r"network.learnable: no neuron of .* has tau_men"):
        back(network, tmp_path / "a.nir", learnable=["tau_men"])


def test_it_must_fit_the_data(tmp_path):
    write(tmp_path / "a.nir", graph_of(net(fc=partial(nn.Linear, out_features=8), n=SPIKES)))
    flat = NIRNetwork(data((2, 1, 3), 3), str(tmp_path / "a.nir"))
    assert next(iter(flat.layers)) == "flatten" and flat.assumed[-1] == "input: (2, 1, 3) of the data set is flattened"
    assert flat(torch.rand(4, 2, 2, 1, 3))[0].shape == (4, 2, 3)
    with pytest.raises(UserError, match=r"a.nir takes \(6,\) a step, and the data set gives \(5,\)"):
        NIRNetwork(data((5,), 3), str(tmp_path / "a.nir"))
    with pytest.raises(UserError, match=r"a.nir gives \(3,\) a step, and the data set has 4 classes"):
        NIRNetwork(data((6,), 4), str(tmp_path / "a.nir"))


def test_it_is_read_at_the_dt_of_the_data(tmp_path):
    write(tmp_path / "a.nir", graph_of(net(fc=partial(nn.Linear, out_features=8), n=SPIKES)))
    finer = NIRNetwork(data((6,), 3, dt=0.5e-3), str(tmp_path / "a.nir"))
    assert finer.dt == 0.5e-3 and finer.assumed == ("dt: 0.0005 s, and the file was written at 0.001 s",)
    assert finer.layers["n"].tau_mem == 5e-3


def test_it_is_written_again(tmp_path):
    for network in (net(fc=partial(nn.Linear, out_features=8), n=SPIKES), looped()):
        again = back(network, tmp_path / "a.nir")
        third = back(again, tmp_path / "b.nir")
        x = torch.rand(20, 2, 6) * 4
        torch.testing.assert_close(third(x)[0], network(x)[0])
        assert list(third.temporal_layers()) == list(network.temporal_layers())


def test_names_that_are_no_chain_in_a_chain(tmp_path):
    """A layer a and layers a.b: no container can have both, so dots become lines."""
    ones = np.ones((1, 1), np.float32)
    nodes = {"input": nir.Input({"input": np.array([1])}), "a": nir.Linear(ones), "a.b": nir.I(ones[0]),
             "output": nir.Output({"output": np.array([1])})}  # fmt: skip
    graph = nir.NIRGraph(nodes, [("input", "a"), ("a", "a.b"), ("a.b", "output")], type_check=False)
    network = network_of(circuit_of(graph, 1e-3, backend="eager"), data((1,), 1))
    assert list(network.layers) == ["a", "a_b"] and isinstance(network.layers["a_b"], Integrator)
    assert network(torch.ones(3, 1, 1))[0].flatten().tolist() == [1, 2, 3]
