"""How the frameworks run layers in order over time: the same two layers of neurons in each of their containers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.facts import Facts
from snnctl.networks import Network, Residual
from snnctl.networks.place import Place
from tests.parity.drive import currents, with_gradients
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

DT, STEPS = 1e-3, 40
Run = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, list[Tensor]]]  # x, w1, w2 -> out, the weights used


def _inputs(scale: float, offset: float = 0.0) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        given = currents(scale, offset)()
        draw = torch.Generator().manual_seed(4)
        return {**given, **{n: torch.randn(5, 5, generator=draw) * 0.8 + 0.4 for n in ("w1", "w2")}}

    return inputs


def _linear(w: Tensor) -> nn.Linear:
    layer = nn.Linear(5, 5, bias=False)
    layer.weight.data.copy_(w)
    return layer


def _traces(given: Inputs, run: Run) -> Traces:
    x = given["x"].clone().requires_grad_()
    out, (w1, w2) = run(x, given["w1"], given["w2"])
    return with_gradients(out, x, given, [("w1", w1), ("w2", w2)])


def _ours(given: Inputs, name: str, **options: Any) -> Traces:
    def run(x: Tensor, w1: Tensor, w2: Tensor):
        layers = {"fc1": _linear(w1), "n1": preset(name, **options), "fc2": _linear(w2), "n2": preset(name, **options)}
        net = Network(layers, Facts((5,), (), DT, STEPS))
        return net(x)[0], [net.layers[n].weight for n in ("fc1", "fc2")]

    return _traces(given, run)


def _sequential(x: Tensor, w1: Tensor, w2: Tensor):
    import snntorch

    net = nn.Sequential(_linear(w1), snntorch.Leaky(0.9, init_hidden=True), _linear(w2),
                        snntorch.Leaky(0.9, init_hidden=True))  # fmt: skip
    return torch.stack([net(x_t) for x_t in x]), [net[0].weight, net[2].weight]


def _sequential_state(x: Tensor, w1: Tensor, w2: Tensor):
    import norse.torch as norse

    net = norse.SequentialState(_linear(w1), norse.LIFCell(), _linear(w2), norse.LIFCell())
    outs, state = [], None
    for x_t in x:
        out, state = net(x_t, state)
        outs.append(out)
    return torch.stack(outs), [net[0].weight, net[2].weight]


def _lift(x: Tensor, w1: Tensor, w2: Tensor):
    import norse.torch as norse

    net = norse.SequentialState(norse.Lift(_linear(w1)), norse.LIF(), norse.Lift(_linear(w2)), norse.LIF())
    return net(x)[0], [net[0].lifted_module.weight, net[2].lifted_module.weight]


def _repeat(x: Tensor, w1: Tensor, w2: Tensor):
    guard()
    import sinabs.layers as sinabs

    one, two = _linear(w1), _linear(w2)
    net = nn.Sequential(sinabs.Repeat(one), sinabs.IAF(), sinabs.Repeat(two), sinabs.IAF())
    return net(x.transpose(0, 1)).transpose(0, 1), [one.weight, two.weight]


def _rockpool(x: Tensor, w1: Tensor, w2: Tensor):
    guard()
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch

    layers = [LinearTorch((5, 5), weight=w.T.clone(), has_bias=False) for w in (w1, w2)]
    net = Sequential(layers[0], LIFTorch((5, 5)), layers[1], LIFTorch((5, 5)))
    return net(x.transpose(0, 1))[0].transpose(0, 1), [layer.weight for layer in layers]


def _transposed(traces: Traces) -> Traces:
    """Their weights are (in, out)."""
    return {n: t.T if n.startswith("grad_w") else t for n, t in traces.items()}


def _multi_step(x: Tensor, w1: Tensor, w2: Tensor):
    from spikingjelly.activation_based import layer, neuron

    one, two = _linear(w1), _linear(w2)
    net = nn.Sequential(layer.SeqToANNContainer(one), neuron.LIFNode(step_mode="m"), layer.SeqToANNContainer(two),
                        layer.MultiStepContainer(neuron.LIFNode()))  # fmt: skip
    return net(x), [one.weight, two.weight]


def _residual(given: Inputs) -> Traces:
    guard()
    from rockpool.nn.combinators import Residual as Theirs
    from rockpool.nn.modules import LIFTorch, LinearTorch

    def run(x: Tensor, w1: Tensor, w2: Tensor):
        layers = [LinearTorch((5, 5), weight=w.T.clone(), has_bias=False) for w in (w1, w2)]
        net = Theirs(layers[0], LIFTorch((5, 5)), layers[1], LIFTorch((5, 5)))
        return net(x.transpose(0, 1))[0].transpose(0, 1), [layer.weight for layer in layers]

    traces = _transposed(_traces(given, run))
    return {"y" if n == "spikes" else n: t for n, t in traces.items()}


def _my_residual(given: Inputs) -> Traces:
    def run(x: Tensor, w1: Tensor, w2: Tensor):
        name = "cuba_lif/rockpool"
        layers = {"fc1": _linear(w1), "n1": preset(name), "fc2": _linear(w2), "n2": preset(name)}
        block = Residual(layers, Place("block", (5,), Facts((5,), (), DT, STEPS)))
        return block(x, dt=DT)[0], [block.layers[n].weight for n in ("fc1", "fc2")]

    return {"y" if n == "spikes" else n: t for n, t in _traces(given, run).items()}


def _case(api: str, name: str, run: Run, scale: float, offset: float, theirs: Callable = dict, **options) -> Parity:
    return Parity(
        api, f"snnctl.networks.Network with neuron={name}", "two layers", _inputs(scale, offset),
        lambda given: theirs(_traces(given, run)), partial(_ours, name=name, **options),
    )  # fmt: skip


LEAKY = {"tau_mem": -DT / math.log(0.9)}
CASES = [
    _case("snntorch.Leaky(init_hidden=True)", "lif/snntorch", _sequential, 0.4, 0.2, **LEAKY),
    _case("norse.torch.SequentialState", "cuba_lif/norse", _sequential_state, 1.5, 0.8),
    _case("norse.torch.Lift", "cuba_lif/norse", _lift, 1.5, 0.8),
    _case("sinabs.layers.Repeat", "if/sinabs", _repeat, 0.4, 0.1),
    _case("rockpool.nn.combinators.Sequential", "cuba_lif/rockpool", _rockpool, 0.05, 0.02, _transposed),
    _case("spikingjelly.activation_based.layer.MultiStepContainer", "lif/spikingjelly", _multi_step, 1.2, 0.8,
          tau_mem=2e-3),
    Parity("rockpool.nn.combinators.Residual", "snnctl.networks.Residual with neuron=cuba_lif/rockpool", "two layers",
           _inputs(0.05, 0.02), _residual, _my_residual),
]  # fmt: skip
