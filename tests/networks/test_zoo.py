"""The model zoo: published numbers of parameters, and a training step of each, made small."""

from __future__ import annotations

import pytest
import torch

from tests.networks.presets import CONFIGS, data, preset

IMAGENET, CIFAR = data((3, 224, 224), 1000), data((3, 32, 32), 10)
AUDIO, DIGITS = data((16,), 2), data((1, 28, 28), 10)

# VGG with norms and ResNet-18: as torchvision counts them, with neurons in place of ReLU. Spikformer-4-384: 9.32 M
# (Zhou et al. 2023) with the shifts of all linear layers and norms, but without two layer norms a block that their code
# builds and never calls; without those shifts it is SpikingJelly's. SynNet, WaveSense: Rockpool 3.1's at its default
# sizes, proven beside it in tests/parity, less 16 x 16 weights of WaveSense's last block that lead nowhere. Diehl and
# Cook 2015: 784 x 400.
COUNTS = [
    ("vgg11", IMAGENET, [], 132_868_840),
    ("vgg16", IMAGENET, [], 138_365_992),
    ("sew_resnet18", IMAGENET, [], 11_689_512),
    ("spikformer", CIFAR, [], 9_324_730),
    ("spikformer", CIFAR, ["network.bias=false"], 9_310_906),
    ("synnet", AUDIO, ["neuron=cuba_lif"], 16 * 60 + 60 * 2),
    ("wavesense", AUDIO, [], 16 * 16 + 3 * (16 * 32 + 16 * 32) + 2 * 16 * 16 + 32 * 32 + 32 * 2),
    ("diehl_cook", DIGITS, [], 313_600),
]
SMALL = {
    "vgg11": ["network.channels=[4,8,8,8,8]", "network.hidden=[16,16]", "network.grid=1"],
    "vgg16": ["network.channels=[4,4,4,8,8]", "network.hidden=[16,16]", "network.grid=1"],
    "sew_resnet18": ["network.channels=[4,8,8]", "network.strides=[1,2,1]"],
    "spikformer": ["network.stem=[4,8]", "network.pooled=[8,16]", "network.hidden=32", "network.heads=4",
                   "network.depth=1"],
    "synnet": ["neuron=cuba_lif", "network.hidden=[12]", "network.constants=[4]", "network.tau_syn_out=20e-3"],
    "wavesense": ["network.channels=6", "network.gathered=8", "network.hidden=8"],
    "diehl_cook": ["network.neurons=20"],
}  # fmt: skip


def test_it_is_whole():
    assert set(SMALL) == {name for name, *_ in COUNTS} == {p.stem for p in (CONFIGS / "network" / "zoo").glob("*.yaml")}


@pytest.mark.parametrize(("name", "facts", "overrides", "count"), COUNTS)
def test_the_published_number_of_parameters(name, facts, overrides, count):
    net = preset(facts, f"network=zoo/{name}", *overrides, meta=True)
    assert sum(p.numel() for p in net.parameters()) == count
    x = torch.empty(2, 3, *facts.shape, device="meta")
    assert net(x)[0].shape == (2, 3, len(facts.classes))


@pytest.mark.parametrize("name", SMALL)
def test_a_training_step(name):
    torch.manual_seed(0)
    facts = {"synnet": AUDIO, "wavesense": AUDIO, "diehl_cook": data((1, 6, 6), 10)}.get(name, CIFAR)
    threshold = [] if name == "diehl_cook" else ["neuron.threshold=0.1"]
    net = preset(facts, f"network=zoo/{name}", "backend=eager", *threshold, *SMALL[name])
    if name == "diehl_cook":
        net.layers["linear"].weight.data.uniform_(0, 20)  # mV
    if name == "wavesense":  # so that all layers wake within six steps
        for p in net.parameters():
            p.data.abs_().mul_(2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    out, state = net((torch.rand(6, 2, *facts.shape) < 0.5).float())
    torch.nn.functional.cross_entropy(out.mean(0), torch.tensor([0, 0])).backward()
    optimizer.step()
    assert out.shape == (6, 2, len(facts.classes)) and out.detach().any()
    assert [key for key, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
    again, _ = net.eval()(torch.zeros(2, 2, *facts.shape), state)
    assert again.isfinite().all()


def test_a_spectrum_of_time_constants_runs_through_a_layer():
    net = preset(AUDIO, "network=zoo/synnet", "neuron=cuba_lif", "network.hidden=[6]", "network.constants=[4]")
    taus = net.temporal_layers()["hidden.0.neuron.neuron"].tau_syn
    torch.testing.assert_close(taus, torch.tensor([2e-3, 4e-3, 8e-3, 16e-3, 2e-3, 4e-3]))
