"""SpikingJelly's online training: gradients of a whole sequence, and weights that moved on the way."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.losses import PerStepCrossEntropy
from snnctl.networks import Network
from snnctl.neurons import LIF
from snnctl.surrogates import Sigmoid
from tests.parity.frameworks import without
from tests.parity.parity import Inputs, Parity, Traces

DT, SIZES, STEPS, BATCH = 1e-3, (6, 8, 7, 3), 15, 4
NAMES = [f"{kind}{i}" for i in range(3) for kind in ("weight", "bias")]


def _inputs() -> Inputs:
    draw = torch.Generator().manual_seed(0)
    given = {"x": torch.rand(STEPS, BATCH, SIZES[0], generator=draw) * 2, "target": torch.tensor([0, 2, 1, 0])}
    for i, (m, n) in enumerate(zip(SIZES, SIZES[1:], strict=False)):
        given[f"weight{i}"] = torch.randn(n, m, generator=draw) * 1.5 / m**0.5
        given[f"bias{i}"] = torch.randn(n, generator=draw) * 0.2
    return given


def _theirs(given: Inputs, node: str, online: bool, **options) -> Traces:
    from spikingjelly.activation_based import layer, neuron

    learning = "spikingjelly.activation_based.learning"
    online_learning = without("torch.utils.tensorboard", f"{learning}.online_learning", "SummaryWriter")
    linears = [nn.Linear(m, n) for m, n in zip(SIZES, SIZES[1:], strict=False)]
    _set([p for linear in linears for p in linear.parameters()], given)
    make = partial(getattr(neuron, node), **options)
    row = [linears[0], make(), linears[1], make(), linears[2]]
    net = layer.OTTTSequential(*row) if node == "OTTTLIFNode" else nn.Sequential(*row)
    sgd = torch.optim.SGD(net.parameters(), lr=0.5 if online else 0.0)

    def loss(y: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(y, target) / STEPS

    x, target = given["x"].transpose(0, 1), given["target"][:, None].expand(BATCH, STEPS)
    online_learning.ottt_online_training(net, sgd, x, target, loss, online)
    parameters = [p for linear in linears for p in linear.parameters()]
    return dict(zip(_names(online), [p if online else p.grad for p in parameters], strict=True))


def _mine(given: Inputs, rule: str, online: bool, neuron: dict, **options) -> Traces:
    from snnctl.regimes.online.ottt import OTTT  # needs lightning, which the frameworks' environment has not
    from snnctl.regimes.online.sltt import SLTT

    lif = partial(LIF, detach_reset=True, decay="euler", surrogate=Sigmoid(4.0), **neuron)
    a, b = (partial(nn.Linear, out_features=n) for n in SIZES[1:3])
    layers = {"a": a, "one": lif, "b": b, "two": lif, "c": nn.Linear}
    net = Network(layers, Facts(SIZES[:1], ("a", "b", "c"), DT, STEPS))
    parameters = list(net.parameters())
    _set(parameters, given)
    size = {"chunk": 1, "update_every": 1} if online else {"chunk": 4}
    regime = {"ottt": OTTT, "sltt": SLTT}[rule](net, PerStepCrossEntropy(), torch.optim.SGD, **size, **options)

    def update(gradients: dict[nn.Parameter, Tensor]) -> None:
        for p, g in gradients.items():
            p.data -= 0.5 * g

    regime.update = update
    batch = Batch(given["x"], given["target"], torch.full((BATCH,), STEPS), torch.arange(BATCH))
    _, _, gradients = regime.gradients(batch)
    if online:
        update(gradients)
    return dict(zip(_names(online), [p if online else gradients[p] for p in parameters], strict=True))


def _set(parameters: list[nn.Parameter], given: Inputs) -> None:
    for p, name in zip(parameters, NAMES, strict=True):
        p.data = given[name].clone()


def _names(online: bool) -> list[str]:
    return NAMES if online else [f"grad_{name}" for name in NAMES]


def _case(setting: str, node: str, rule: str, theirs: dict, neuron: dict, online: bool = False, **own) -> Parity:
    ours = "regime=sltt" if rule == "sltt" else "regime=ottt regime.traces=presynaptic"
    return Parity(
        "spikingjelly.learning.ottt_online_training", ours, setting, _inputs,
        lambda given: _theirs(given, node, online, **theirs),
        lambda given: _mine(given, rule, online, neuron, **own),
    )  # fmt: skip


SOFT = {"tau_mem": 2 * DT}
HARD = {"tau_mem": 2 * DT, "reset": "value", "input_gain": "dt/tau"}
AS_THEIRS = {"traces": "presynaptic"}
CASES = [
    _case("OTTTLIFNode", "OTTTLIFNode", "ottt", {}, SOFT, **AS_THEIRS),
    _case("OTTTLIFNode tau=3.5", "OTTTLIFNode", "ottt", {"tau": 3.5}, {"tau_mem": 3.5 * DT}, **AS_THEIRS),
    _case("OTTTLIFNode online=True", "OTTTLIFNode", "ottt", {}, SOFT, online=True, **AS_THEIRS),
    _case("SLTTLIFNode", "SLTTLIFNode", "sltt", {}, HARD),
    _case("SLTTLIFNode v_reset=None online=True", "SLTTLIFNode", "sltt", {"v_reset": None},
          {**SOFT, "input_gain": "dt/tau"}, online=True),
]  # fmt: skip
