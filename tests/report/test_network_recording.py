"""What is recorded of a network: spikes, states, inputs, outputs, gradients."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network
from snnctl.networks.loop import Back, Loop
from snnctl.neurons import LI, LIF
from snnctl.report.recording import record, write_npz

FACTS = Facts((5,), ("a", "b"), 1e-3, 12)
FIRES = partial(LIF, tau_mem=5e-3, threshold=0.2, backend="eager")


def network(**layers) -> Network:
    torch.manual_seed(0)
    readout = partial(LI, tau_mem=10e-3, backend="eager")
    plain = {"fc": partial(nn.Linear, out_features=6), "lif": FIRES}
    return Network({**(layers or plain), "out": nn.Linear, "readout": readout}, FACTS).eval()


def x() -> torch.Tensor:
    return torch.randn(12, 3, 5, generator=torch.Generator().manual_seed(1))


def test_every_layer_is_what_it_is_when_called_alone():
    net, given = network(), x()
    kept = record(net, given, ["spikes", "v", "input", "output"])
    current = net.layers["fc"](given)
    spikes, _, states = net.layers["lif"].trace(current, dt=1e-3)
    assert set(kept) == {"input", *(f"lif/{f}" for f in ("spikes", "v", "input", "output")),
                         *(f"readout/{f}" for f in ("v", "input", "output"))}  # fmt: skip
    assert spikes.sum() > 0
    for name, wanted in (("input", given), ("lif/input", current), ("lif/spikes", spikes), ("lif/v", states["v"]),
                         ("lif/output", spikes), ("readout/output", net(given)[0])):  # fmt: skip
        np.testing.assert_array_equal(kept[name], wanted.detach().numpy(), err_msg=name)


def test_nothing_is_left_on_the_network():
    net, given = network(), x()
    before = net(given)[0]
    with pytest.raises(UserError, match="called vv"):
        record(net, given, ["vv"])
    record(net, given, ["grad_input"], lambda out: out.sum())
    assert all("forward" not in vars(m) for m in net.modules())
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(net(given)[0], before)


def test_gradients_are_those_of_autograd():
    net, given = network(), x()
    weigh = torch.randn(12, 3, 2, generator=torch.Generator().manual_seed(2))
    kept = record(net, given, ["grad_input", "grad_output"], lambda out: (out * weigh).sum())
    leaf = given.clone().requires_grad_()
    current = net.layers["fc"](leaf)
    spikes, _ = net.layers["lif"](current, dt=1e-3)
    weighed = net.layers["out"](spikes)
    out, _ = net.layers["readout"](weighed, dt=1e-3)
    wanted = torch.autograd.grad((out * weigh).sum(), [leaf, current, spikes, weighed])
    names = ("input/grad", "lif/grad_input", "lif/grad_output", "readout/grad_input")
    for name, grad in zip(names, wanted, strict=True):
        np.testing.assert_allclose(kept[name], grad.numpy(), atol=1e-6, err_msg=name)
        assert np.abs(kept[name]).sum() > 0
    np.testing.assert_array_equal(kept["readout/grad_output"], weigh.numpy())


def test_gradients_after_an_evaluation_in_inference_mode():
    net = network()
    with torch.inference_mode():
        net(x())
        given = x()
    assert record(net, given, ["grad_input"], lambda out: out.sum())["lif/grad_input"].shape == (12, 3, 6)


def test_gradients_need_a_loss():
    with pytest.raises(UserError, match="grad_output is the gradient of a loss"):
        record(network(), x(), ["grad_output"])


def test_layers_in_a_loop_are_recorded_at_every_step():
    inner = {"fc": partial(nn.Linear, out_features=6), "lif": FIRES}
    loop = partial(Loop, inner, back={"self": partial(Back, source="lif", target="lif")})
    net, given = network(loop=loop), x()
    kept = record(net, given, ["spikes", "v", "grad_input"], lambda out: out.sum())
    assert {kept[f"loop.lif/{f}"].shape for f in ("spikes", "v", "grad_input")} == {(12, 3, 6)}
    current = net.layers["loop"].layers["fc"](given)
    spikes = torch.from_numpy(kept["loop.lif/spikes"])
    fed = current + torch.cat([torch.zeros(1, 3, 6), spikes[:-1]])  # what comes back is added one step later
    again, _, states = net.layers["loop"].layers["lif"].trace(fed, dt=1e-3)
    np.testing.assert_array_equal(again.detach().numpy(), spikes.numpy())
    np.testing.assert_allclose(states["v"].detach().numpy(), kept["loop.lif/v"], atol=1e-6)
    assert 0 < spikes.mean() < 1


def test_a_file_holds_what_was_recorded(tmp_path):
    kept = record(network(), x())
    write_npz(kept, tmp_path / "recorded.npz", length=np.array([12, 12, 3]))
    with np.load(tmp_path / "recorded.npz") as file:
        assert set(file.files) == {*kept, "length"}
        np.testing.assert_array_equal(file["lif/v"], kept["lif/v"])
