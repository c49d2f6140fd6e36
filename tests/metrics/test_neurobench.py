"""NeuroBench's metrics: its worked example, its own figures on three networks, and what must not matter."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from snnctl.datasets.facts import Facts
from snnctl.errors import UserError
from snnctl.metrics import NeuroBench
from snnctl.metrics.synapses import SynapseCount, fan_out
from snnctl.networks import AllToAll, MapToMap, Network, OneToOne, Recurrent, Residual
from snnctl.neurons import LI, LIF, ReLU


def facts(*shape: int, steps: int = 1) -> Facts:
    return Facts(shape, tuple("abcdefgh"[: 3 if shape == (3,) else 5]), 1.0, steps)


def pattern(*shape: int, start: float = 0.0) -> torch.Tensor:
    """Values between -1 and 1 that look irregular and are the same everywhere."""
    n = torch.arange(math.prod(shape), dtype=torch.float64) + start
    return torch.sin(n * n * 0.7 + n).view(shape).float()


def test_the_worked_example():
    # W = [[1.3, 0, -3.2], [0, 1.2, -5.1], [-1.1, 2.7, 0]], x = [0, 1.3, -1]: 4 effective operations of 9
    linear = nn.Linear(3, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.3, 0, -3.2], [0, 1.2, -5.1], [-1.1, 2.7, 0]]))
    net = Network({"fc": linear}, facts(3))
    with NeuroBench(net) as bench:
        bench.run(torch.tensor([[[0, 1.3, -1]]]), torch.tensor([1]))
    found = bench.result()
    assert (found.effective_macs, found.effective_acs, found.dense) == (4, 0, 9)
    assert found.connection_sparsity == pytest.approx(3 / 9)
    assert found.footprint == (9 + 3) * 4
    with NeuroBench(net) as bench:
        bench.run(torch.tensor([[[0, 1.0, -1]]]), torch.tensor([1]))
    assert (bench.result().effective_macs, bench.result().effective_acs) == (0, 4)


# What neurobench 2.3.0 with snnTorch 1.0.0 said of the same weights on the same data (Leaky, beta 0.9, ten samples in
# batches of four, twelve steps): connection and activation sparsity, MACs, ACs, dense operations, membrane updates.
LEAKY = partial(LIF, tau_mem=-1 / math.log(0.9), fire="gt", reset="subtract", reset_delay=True)
UPSTREAM = {
    "vectors": (
        (20,),
        [nn.Linear(20, 15), LEAKY, nn.Linear(15, 5), LEAKY],
        True,
        (0.2907, 0.8208333333333333, 0.0, 839.0, 4500.0, 240.0),
    ),
    "maps": (
        (2, 9, 9),
        [
            nn.Conv2d(2, 6, 3, stride=2, padding=1),
            LEAKY,
            nn.Conv2d(6, 8, 3),
            LEAKY,
            nn.Flatten,
            nn.Linear(72, 5),
            LEAKY,
        ],
        True,
        (0.2933, 0.8537444933920706, 0.0, 9408.9, 75312.0, 2724.0),
    ),
    "real": (
        (20,),
        [nn.Linear(20, 15), LEAKY, nn.Linear(15, 12), LEAKY, nn.Linear(12, 5), LEAKY],
        False,
        (0.2889, 0.8299479166666666, 1242.5, 364.1, 6480.0, 384.0),
    ),
}


@pytest.mark.parametrize("case", UPSTREAM)
def test_the_figures_of_neurobench(case):
    shape, layers, binary, expected = UPSTREAM[case]
    x = oracle_data(shape, binary)
    net = Network(layers, facts(*shape, steps=12))
    oracle_weights(net)
    with NeuroBench(net) as bench:
        for batch in x.split(4):
            bench.run(batch.transpose(0, 1), torch.full((len(batch),), 12))
    found = bench.result()
    # footprints differ: snnTorch keeps buffers of its own in each neuron
    got = (round(found.connection_sparsity, 4), *found[2:7])
    assert got == pytest.approx(expected)


def oracle_data(shape: tuple[int, ...], binary: bool) -> torch.Tensor:
    """(10, 12, *shape)"""
    x = pattern(10, 12, *shape, start=3.0)
    return (x > 0.6).float() if binary else x.clamp(min=0)


def oracle_weights(net: nn.Module) -> None:
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            w = pattern(*p.shape, start=10.0 * i)
            p.copy_(0.1 * w if p.dim() == 1 else torch.where(w.abs() < 0.4, 0.0, w))


CONVS = [
    (nn.Conv1d(2, 4, 3, stride=2, padding=1), (2, 9)),
    (nn.Conv2d(2, 4, 3, padding="same", dilation=2, groups=2), (2, 7, 6)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 5, 5)),
    (nn.Conv3d(1, 2, 2), (1, 4, 4, 4)),
    (nn.ConvTranspose2d(2, 3, 3, stride=2), (2, 4, 4)),
    (nn.Linear(6, 4), (6,)),
    (AllToAll((6,), autapses=False), (6,)),
    (OneToOne((2, 3)), (2, 3)),
    (MapToMap((2, 4, 4)), (2, 4, 4)),
]


@pytest.mark.parametrize(
    ("layer", "shape"), CONVS, ids=[type(layer).__name__ + str(i) for i, (layer, _) in enumerate(CONVS)]
)
def test_fan_out_counts_every_product_of_non_zero_values(layer, shape):
    with torch.no_grad():
        for p in layer.parameters():
            p[pattern(*p.shape).abs() < 0.3] = 0
    weights, dense = fan_out(layer, shape)
    n = math.prod(shape)
    # by brute force: feed one input at a time and count the weights that it meets
    ones = {k: (p != 0).float() if k == "weight" else torch.zeros_like(p) for k, p in layer.named_parameters()}
    full = {k: torch.ones_like(p) if k == "weight" else torch.zeros_like(p) for k, p in layer.named_parameters()}
    for i in range(n):
        one = torch.zeros(n)
        one[i] = 1
        met = torch.func.functional_call(layer, ones, (one.view(1, *shape),)).sum().item()
        assert weights[i].item() == met
    assert dense == torch.func.functional_call(layer, full, (torch.ones(1, *shape),)).sum().item()


def test_ac_or_mac_is_decided_over_the_whole_data_and_again_per_step_in_its_own_column():
    net = Network({"fc": partial(nn.Linear, bias=False)}, facts(3, steps=2))
    with NeuroBench(net) as bench:
        bench.run(torch.tensor([[[1.0, 0, 1]], [[0, 0, -1]]]), torch.tensor([2]))
        assert bench.result().layers[0].operation == "AC"
        bench.run(torch.tensor([[[1.0, 1, 1]], [[0.5, 0, 1]]]), torch.tensor([2]))
    (row,) = bench.result().layers
    assert row == ("fc", "MAC", (3 * 3 + 5 * 3) / 2, 18, (3 * 3 + 3 * 3) / 2, 2 * 3 / 2)
    assert bench.result().effective_acs == 0


def rich(steps: int) -> Network:
    torch.manual_seed(0)
    layers = {
        "conv": partial(nn.Conv2d, out_channels=4, kernel_size=3, padding=1),
        "norm": nn.BatchNorm2d,
        "block": partial(
            Residual,
            layers={
                "n": partial(LIF, threshold=0.1),
                "conv": partial(nn.Conv2d, out_channels=6, kernel_size=3, padding=1),
            },
        ),
        "n": partial(LIF, threshold=0.1),
        "flatten": nn.Flatten,
        "fc": partial(nn.Linear, out_features=8),
        "r": partial(Recurrent, neuron=partial(LIF, threshold=0.02)),
        "out": nn.Linear,
        "readout": LI,
    }
    return Network(layers, Facts((2, 6, 6), tuple("abc"), 1e-3, steps)).eval()


def test_padding_batching_and_memory_order_do_not_count():
    net = rich(8)
    x = (torch.rand(8, 5, 2, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    length = torch.tensor([8, 3, 5, 1, 6])
    with NeuroBench(net) as alone:
        for b, n in enumerate(length):
            alone.run(x[:n, b : b + 1], length[b : b + 1])
    for padding in (0.0, 1.0, 0.5):
        padded = x.clone()
        for b, n in enumerate(length):
            padded[n:, b] = padding
        for data in (padded, padded.transpose(0, 1).contiguous().transpose(0, 1)):
            with NeuroBench(net) as together:
                together.run(data, length)
            a, b = alone.result(), together.result()
            assert a[:-1] == pytest.approx(b[:-1])
            for row, other in zip(a.layers, b.layers, strict=True):
                assert row[:2] == other[:2] and row[2:] == pytest.approx(other[2:])
    assert [row.layer for row in a.layers] == ["conv", "block.conv", "block.shortcut", "fc", "out", "r.feedback"]
    assert all(row.effective > 0 for row in a.layers)
    assert 0 < a.activation_sparsity < 1


def test_recurrent_weights_meet_the_outputs_of_the_step_before():
    layer = Recurrent(partial(LIF, tau_mem=1e9, threshold=1.0), shape=(3,), feedback=partial(AllToAll, autapses=False))
    nn.init.zeros_(layer.feedback.weight)
    with torch.no_grad():
        layer.feedback.weight[0, 1] = layer.feedback.weight[2, 1] = layer.feedback.weight[0, 2] = 0.01
    net = Network({"r": layer}, facts(3, steps=4))
    # neuron 1 fires at 0 and 3, neuron 2 at 1; what fires at the last step meets no weight any more
    x = torch.zeros(4, 1, 3)
    x[0, 0, 1] = x[3, 0, 1] = x[1, 0, 2] = 1.0
    with NeuroBench(net) as bench:
        out = bench.run(x, torch.tensor([4]))
    assert out[:, 0].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    (row,) = bench.result().layers
    assert (row.layer, row.operation, row.effective, row.dense) == ("r.feedback", "AC", 2 + 1, 4 * 6)
    assert bench.result().connection_sparsity == pytest.approx(6 / 9)


def test_membranes_that_change():
    net = Network({"n": partial(LIF, tau_mem=1e9)}, facts(3, steps=4))
    x = torch.zeros(4, 1, 3)
    x[0, 0, 0], x[2, 0, 1], x[3, 0, 0] = 0.5, 0.25, 0.0
    with NeuroBench(net) as bench:
        bench.run(x, torch.tensor([4]))
    found = bench.result()
    # all three at the first step, one at the third; a decay of exp(-1e-9) is 1 in float32
    assert found.membrane_updates == 3 + 1
    assert (found.activation_sparsity, found.dense, found.connection_sparsity) == (1.0, 0, None)


@pytest.mark.parametrize("relu", [nn.ReLU, ReLU, partial(Recurrent, neuron=nn.ReLU)])
def test_activations_of_an_ann(relu):
    net = Network({"relu": relu}, facts(3))
    with NeuroBench(net) as bench:
        bench.run(torch.tensor([[[1.0, -2, -3]]]), torch.tensor([1]))
    assert bench.result().activation_sparsity == pytest.approx(2 / 3)
    assert bench.result().membrane_updates is None


def test_operations_are_exact_beyond_what_float32_counts():
    count = SynapseCount(nn.Linear(5000, 5000))
    nn.init.ones_(count.module.weight)
    count.add(torch.ones(1, 1, 5000), torch.tensor([[True]]))
    count.add(torch.nn.functional.pad(torch.ones(1, 1, 1), (0, 4999)), torch.tensor([[True]]))
    assert count.effective == 5000**2 + 5000


def test_it_counts_inside_a_trainer_that_runs_the_network_itself():
    net = rich(8)
    x = (torch.rand(8, 2, 2, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    length = torch.tensor([8, 5])
    with NeuroBench(net) as bench, torch.inference_mode():
        bench.begin(x, length)
        net(x)
    with NeuroBench(net) as other:
        other.run(x, length)
    assert bench.result() == other.result()
    expected = net(x)[0]
    torch.testing.assert_close(other.run(x, length), expected)  # hooks are gone, short cuts are back
    assert not net.time_major and "time_major" not in vars(net)


class Opaque(nn.Module):
    """Weights that no rule knows."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(in_features, out_features))

    def forward(self, x):
        return x @ self.kernel


class Unused(nn.Linear):
    """A layer with a part that never runs."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__(in_features, out_features)
        self.spare = nn.Linear(2, 2)


class Stepwise(nn.Module):
    """A block that folds its rows in a way of its own."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        self.fc = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.stack([self.fc(row[None])[0] for row in x])


def test_what_cannot_be_computed_is_an_error_and_never_a_zero():
    x, length = torch.ones(2, 3, 3), torch.tensor([2, 2, 2])
    with pytest.raises(UserError, match=r"layer a \(Opaque, parameter kernel\)"):
        NeuroBench(Network({"a": Opaque}, facts(3)))
    with (
        pytest.raises(UserError, match=r"layer a\.spare has weights, but no input"),
        NeuroBench(Network({"a": Unused}, facts(3))) as bench,
    ):
        bench.run(x, length)
        bench.result()
    with (
        pytest.raises(UserError, match=r"layer a\.fc got \(1, 3\)"),
        NeuroBench(Network({"a": Stepwise}, facts(3))) as bench,
    ):
        bench.run(x, length)
    net = Network({"fc": nn.Linear, "n": partial(LIF, tau_mem=5.0)}, facts(3))
    with NeuroBench(net) as bench:
        with pytest.raises(UserError, match="no batch was counted"):
            bench.result()
        with pytest.raises(UserError, match="layer fc ran before its batch was announced"):
            net(x)
        bench.begin(x, length)
        with pytest.raises(UserError, match="from rest"):
            net(x, {"n": net.layers["n"].initial_state(x[0])})
