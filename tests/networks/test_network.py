"""Networks built from partials: sizes filled in, layers in order, states in and out."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.batch import EventList
from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.networks import Network
from snnctl.neurons import LI, LIF

FACTS = Facts(shape=(2, 10, 10), classes=("a", "b", "c"), dt=1e-3, steps=6)


def conv_layers() -> dict:
    return {
        "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1),
        "norm": nn.BatchNorm2d,
        "pool": partial(nn.AvgPool2d, kernel_size=2),
        "neuron": partial(LIF, threshold=0.3, learnable=["tau_mem"], per="channel"),
        "flatten": nn.Flatten,
        "fc": nn.Linear,
        "readout": LI,
    }


def events(steps: int = 6, batch: int = 3, shape: tuple[int, ...] = (2, 10, 10)) -> torch.Tensor:
    return (torch.rand(steps, batch, *shape, generator=torch.Generator().manual_seed(1)) < 0.2).float()


def test_sizes_are_filled_in_from_the_data_set():
    net = Network(conv_layers(), FACTS)
    assert net.layers["conv"].in_channels == 2
    assert net.layers["norm"].num_features == 4
    assert net.layers["neuron"].tau_mem.shape == (4, 1, 1)
    assert (net.layers["fc"].in_features, net.layers["fc"].out_features) == (4 * 5 * 5, 3)
    assert net.shapes == {
        "conv": (4, 10, 10),
        "norm": (4, 10, 10),
        "pool": (4, 5, 5),
        "neuron": (4, 5, 5),
        "flatten": (100,),
        "fc": (3,),
        "readout": (3,),
    }
    assert net.dt == 1e-3


def test_output_is_that_of_the_layers_run_by_hand():
    torch.manual_seed(0)
    net = Network(conv_layers(), FACTS).eval()
    x = events()
    out, state = net(x)
    current = torch.stack([net.layers["pool"](net.layers["norm"](net.layers["conv"](x_t))) for x_t in x])
    spikes, spike_state = net.layers["neuron"](current, dt=1e-3)
    expected, _ = net.layers["readout"](torch.stack([net.layers["fc"](s.flatten(1)) for s in spikes]), dt=1e-3)
    assert spikes.sum() > 0
    torch.testing.assert_close(out, expected)
    assert set(state) == {"neuron", "readout"}
    torch.testing.assert_close(state["neuron"].v, spike_state.v)


def test_two_halves_with_the_state_between_are_the_whole():
    torch.manual_seed(0)
    net = Network(conv_layers(), FACTS).eval()
    x = events()
    whole, _ = net(x)
    first, state = net(x[:2])
    second, _ = net(x[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)


def test_a_second_call_begins_at_rest():
    torch.manual_seed(0)
    net = Network(conv_layers(), FACTS).eval()
    x = events()
    torch.testing.assert_close(net(x)[0], net(x)[0], rtol=0, atol=0)


def test_a_list_of_events_gives_what_its_frames_give():
    torch.manual_seed(0)
    net = Network(conv_layers(), FACTS).eval()
    codes = torch.tensor([7, 120, 120, 33], dtype=torch.int32)
    offsets = torch.tensor([0, 1, 3, 3, 4])
    listed = EventList(codes, offsets, steps=2, batch=2, size=(2, 10, 10))
    frames = torch.zeros(2, 2, 200)
    frames[0, 0, 7], frames[0, 1, 120], frames[1, 1, 33] = 1, 2, 1
    torch.testing.assert_close(net(listed)[0], net(frames.view(2, 2, 2, 10, 10))[0])


def test_copies_and_pickles_give_the_same():
    torch.manual_seed(0)
    net = Network(conv_layers(), FACTS).eval()
    x = events()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        torch.testing.assert_close(twin(x)[0], net(x)[0], rtol=0, atol=0)


def test_the_weights_of_one_load_into_another():
    torch.manual_seed(0)
    net, other = Network(conv_layers(), FACTS).eval(), Network(conv_layers(), FACTS).eval()
    x = events()
    assert not torch.equal(net(x)[0], other(x)[0])
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(other(x)[0], net(x)[0], rtol=0, atol=0)
    assert "layers.conv.weight" in net.state_dict()


def test_it_is_built_on_the_meta_device_without_memory():
    with torch.device("meta"):
        net = Network(conv_layers(), FACTS)
    assert all(p.is_meta for p in net.parameters())
    assert net(torch.empty(6, 2, 2, 10, 10, device="meta"))[0].shape == (6, 2, 3)


def test_one_dimensional_and_three_dimensional_convolutions():
    audio = Network(
        {"conv": partial(nn.Conv1d, out_channels=5, kernel_size=3), "n": LIF, "flat": nn.Flatten, "fc": nn.Linear},
        Facts((4, 16), ("a", "b"), 1e-3, None),
    )
    assert audio(torch.rand(3, 2, 4, 16))[0].shape == (3, 2, 2)
    assert audio.shapes["conv"] == (5, 14)
    volume = Network(
        {"conv": partial(nn.Conv3d, out_channels=2, kernel_size=2), "flat": nn.Flatten, "fc": nn.Linear},
        Facts((1, 4, 4, 4), ("a", "b"), 1e-3, None),
    )
    assert volume.shapes["conv"] == (2, 3, 3, 3)
    assert volume(torch.rand(3, 2, 1, 4, 4, 4))[0].shape == (3, 2, 2)


class Head(nn.Module):
    """A layer as a user writes one: it asks for what the network knows."""

    def __init__(self, in_features: int, classes: int, dt: float):
        super().__init__()
        self.fc = nn.Linear(in_features, classes)
        self.dt = dt

    def forward(self, x):
        return self.fc(x)


class Cumulative(nn.Module):
    """A layer with a state of its own making: the running sum."""

    temporal = True

    def forward(self, x, state=None, *, dt):
        out = x.cumsum(0) + (0 if state is None else state)
        return out, out[-1]


def test_classes_of_the_users_own():
    net = Network({"flat": nn.Flatten, "head": Head, "sum": Cumulative}, FACTS)
    assert (net.layers["head"].fc.in_features, net.layers["head"].fc.out_features) == (200, 3)
    assert net.layers["head"].dt == 1e-3
    x = events()
    out, state = net(x)
    torch.testing.assert_close(out[-1], sum(net.layers["head"].fc(x_t.flatten(1)) for x_t in x))
    assert list(net.temporal_layers()) == ["sum"]
    torch.testing.assert_close(net(x, state)[0][-1], 2 * out[-1])


def test_a_list_of_layers_and_built_modules():
    built = nn.Linear(200, 3)
    net = Network([nn.Flatten(), built, LI(tau_mem=5e-3)], FACTS)
    assert net.layers["1"] is built
    assert net(events())[0].shape == (6, 3, 3)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"fc": nn.Linear}, ["fc", "Linear", "in_features", "(2, 10, 10)", "Flatten"]),
        ({"fc": partial(nn.Linear, in_features=7, out_features=3)}, ["fc", "got (2, 10, 10)", "expected (7,)"]),
        (
            {"conv": partial(nn.Conv2d, in_channels=3, out_channels=4, kernel_size=3)},
            ["conv", "Conv2d", "got (2, 10, 10)", "expected (3, H, W)"],
        ),
        ({"norm": partial(nn.BatchNorm2d, num_features=5)}, ["norm", "got (2, 10, 10)", "expected (5, ...)"]),
        ({"flat": nn.Flatten, "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3)}, ["conv", "got (200,)"]),
        # torch would take the batch for channels and pool over samples
        (
            {"flat": partial(nn.Flatten, start_dim=2), "pool": partial(nn.AvgPool2d, kernel_size=2)},
            ["pool", "got (2, 100)"],
        ),
        ({"conv": partial(nn.Conv2d, out_channels=4, kernel_size=30)}, ["conv", "got (2, 10, 10)", "Kernel size"]),
        ({"flat": partial(nn.Flatten, start_dim=0)}, ["flat", "(2, 2, 10, 10)", "batch"]),
        ({"conv": partial(nn.Conv2d, out_chanels=4, kernel_size=3)}, ["conv", "out_chanels", "out_channels"]),
        ({"conv": partial(nn.Conv2d, out_channels=4)}, ["conv", "needs kernel_size"]),
        ({"conv": partial(nn.Conv2d, out_channels=0.5, kernel_size=3)}, ["conv", "out_channels=0.5"]),
        ({"flat": nn.Flatten, "a": nn.Linear, "b": nn.Linear}, ["layer a", "needs out_features", "number of classes"]),
        ({"flat": nn.Flatten, "a": partial(nn.Linear, out_features=7)}, ["layer a", "(7,)", "expected (3,)"]),
        ({"n": partial(LIF, tau_mem=-1.0)}, ["layer n", "tau_mem"]),
        ({"n": 3}, ["layer n", "3"]),
        ({"train": nn.Flatten}, ["'train'", "name"]),
        ({"a.b": nn.Flatten}, ["'a.b'", "name"]),
        ({}, ["no layers"]),
    ],
)
def test_mistakes_name_the_layer(layers, words):
    with pytest.raises(UserError) as raised:
        Network(layers, FACTS)
    for word in words:
        assert word in str(raised.value)


def test_inputs_and_states_of_another_network_are_refused():
    net = Network(conv_layers(), FACTS)
    with pytest.raises(UserError, match=r"expects \(T, B, 2, 10, 10\), got \(6, 3, 2, 9, 10\)"):
        net(torch.zeros(6, 3, 2, 9, 10))
    with pytest.raises(UserError, match="the state has layers that the network has not: lif7"):
        net(events(), {"lif7": None})


def test_a_neuron_of_ones_own_that_no_kernel_can_run_is_told_when_the_network_is_built():
    class Mixing(LIF):
        def step(self, x, state, coefs):
            return super().step(x.cumsum(-1), state, coefs)

    layers = {"fc": partial(nn.Linear, out_features=4), "n": Mixing, "readout": nn.Linear}
    with pytest.warns(UserWarning, match=r"Mixing\.step .*cumsum"):
        Network(layers, Facts((3,), ("a", "b"), 1e-3, 5))
    with pytest.raises(UserError, match="cumsum"):
        Network({**layers, "n": partial(Mixing, backend="cpu")}, Facts((3,), ("a", "b"), 1e-3, 5))
