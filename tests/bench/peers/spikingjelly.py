"""pip install scipy matplotlib loguru tqdm && pip install --no-deps spikingjelly==2.0.0

SpikingJelly in its multi-step mode, torch back end; a state that is reset before each pass.
It asks for torchvision and torchaudio, which it does not need.
"""

from __future__ import annotations

from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

from snnctl.benchmarks.workload import passes

MODE = {"surrogate_function": surrogate.ATan(), "step_mode": "m"}
TAU = 5.0  # steps; it scales the input by 1 / tau, and at 20 hardly a neuron would fire


def onb(case):
    return _passes(case, nn.Sequential(layer.Linear(*case.shape, case.neurons), neuron.LIFNode(tau=TAU, **MODE)))


def lif(case):
    return _passes(case, neuron.LIFNode(tau=TAU, **MODE))


def cuba(case):
    node = neuron.CUBALIFNode(v_threshold=1.0, surrogate_function=surrogate.ATan())
    node.step_mode = "m"
    return _passes(case, node)


def alif(case):
    return _passes(case, neuron.IzhikevichNode(**MODE))  # the nearest that it has


def rlif(case):
    return _passes(case, _recurrent(case))


def shd(case):
    fc, readout = nn.Linear(*case.shape, case.neurons), nn.Linear(case.neurons, case.classes)
    net = nn.Sequential(fc, _recurrent(case), readout)
    return _passes(case, net, lambda x: net(x).sum(0))


def conv(case):
    stages, channels = [], case.shape[0]
    for width in case.widths:
        node = neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan())
        stages += [layer.Conv2d(channels, width, 3, padding=1), node, layer.AvgPool2d(2)]
        channels = width
    net = nn.Sequential(*stages, layer.Flatten(), layer.Linear(case.features, case.classes))
    functional.set_step_mode(net, "m")
    return _passes(case, net, lambda x: net(x).sum(0))


def _recurrent(case):
    node = neuron.LIFNode(tau=TAU, surrogate_function=surrogate.ATan())
    return layer.LinearRecurrentContainer(node, case.neurons, case.neurons, step_mode="m")


def _passes(case, net, call=None):
    def fresh(x):
        functional.reset_net(net)
        return (call or net)(x)

    return passes(case, fresh, net.parameters())
