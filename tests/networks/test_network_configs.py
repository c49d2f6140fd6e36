"""The network presets: each composes, builds, runs and learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from snnctl.config.building import build
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
CAMERA = Facts(shape=(2, 34, 34), classes=tuple("0123456789"), dt=30e-3, steps=3)
VECTOR = Facts(shape=(12,), classes=tuple("abc"), dt=4e-3, steps=None)
PRESETS = sorted(path.stem for path in (CONFIGS / "network").glob("*.yaml") if path.stem not in ("own", "nir"))


def network(facts: Facts, *overrides: str) -> Network:
    with initialize_config_dir(str(CONFIGS), version_base=None):
        cfg = compose("train", list(overrides))
    return build(cfg.network)(facts=facts)


def kinds(net: Network) -> list[str]:
    return [type(layer).__name__ for layer in net.temporal_layers().values()]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_runs_on_camera_events_and_every_weight_gets_a_gradient(name):
    torch.manual_seed(0)
    net = network(CAMERA, f"network={name}", "neuron.threshold=0.3")
    x = torch.poisson(torch.full((3, 4, 2, 34, 34), 0.5))
    out, _ = net(x)
    assert out.shape == (3, 4, 10)
    out.mean(0).softmax(1)[:, 0].sum().backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("name", ["mlp", "recurrent", "linear"])
def test_presets_for_vectors(name):
    assert network(VECTOR, f"network={name}")(torch.rand(3, 2, 12))[0].shape == (3, 2, 3)


def test_lists_of_widths_make_as_many_layers():
    net = network(VECTOR, "network=mlp", "network.hidden=[7,6,5]")
    assert [s for n, _, s in net.walk() if n.endswith("linear")] == [(7,), (6,), (5,)]
    net = network(VECTOR, "network=recurrent", "network.hidden=[7,6]", "network.feedback.autapses=false")
    assert [layer.feedback.autapses for n, layer in net.temporal_layers().items() if n != "readout"] == [False, False]


@pytest.mark.parametrize("name", ["mlp", "conv", "vgg", "residual"])
def test_with_relu_and_stacked_time_it_is_the_ann_of_the_same_shape(name):
    stacked = Facts(shape=(6, 34, 34), classes=CAMERA.classes, dt=30e-3, steps=1)
    ann, snn = network(stacked, f"network={name}", "neuron=relu").eval(), network(stacked, f"network={name}")
    assert {k: v.shape for k, v in ann.state_dict().items()} == {k: v.shape for k, v in snn.state_dict().items()}
    assert set(kinds(ann)) == {"ReLU", "LI"}
    x = torch.rand(1, 4, 6, 34, 34)
    last = []
    ann.layers["classes"].register_forward_hook(lambda module, args, out: last.append(out))
    torch.testing.assert_close(ann(x)[0][0], last[0])  # one step of the leaky integrator passes its input on


def test_the_readout_is_swapped_as_a_neuron():
    net = network(VECTOR, "network=mlp", "neuron=alif", "neuron@network.readout=lif", "network.readout.tau_mem=40e-3")
    assert kinds(net) == ["ALIF", "LIF"]
    assert net.layers["readout"].tau_mem == 40e-3
    assert list(net.temporal_layers())[-1] == "readout"


def test_a_network_of_ones_own_has_the_layers_that_are_given_and_no_other():
    with pytest.raises(UserError, match="network has no layers"):
        network(VECTOR, "network=own")
    linear = "_target_: torch.nn.Linear"
    layers = f"hidden: {{{linear}, out_features: 5}}, spikes: '${{neuron}}', classes: {{{linear}}}"
    net = network(VECTOR, "network=own", f"+network.layers={{{layers}, readout: '${{network.readout}}'}}")
    assert list(net.layers) == ["hidden", "spikes", "classes", "readout"]
    assert net(torch.rand(3, 2, 12))[0].shape == (3, 2, 3)


def test_a_layer_that_is_null_is_left_out():
    net = network(CAMERA, "network=conv", "network.layers.features=null")
    assert list(net.layers) == ["flatten", "classes", "readout"]
    with pytest.raises(UserError, match=r"layer classes \(Linear\).*in_features"):
        network(CAMERA, "network=conv", "network.layers.flatten=null")
