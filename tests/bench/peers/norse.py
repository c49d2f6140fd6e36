"""pip install nir nirtorch && pip install --no-deps norse==1.1.0

Norse: its layers over time where it has them, cells in a loop elsewhere.
It asks for torchvision, which it does not need.
"""

from __future__ import annotations

from norse.torch import LIFBoxCell, SequentialState
from norse.torch.module.lif import LIF, LIFRecurrent
from norse.torch.module.lsnn import LSNN
from torch import nn

from snnctl.benchmarks.workload import passes, stepped


def onb(case):
    net = SequentialState(nn.Linear(*case.shape, case.neurons), LIF())
    return passes(case, lambda x: net(x)[0], net.parameters())


def lif(case):
    return passes(case, stepped(LIFBoxCell(), lambda: (None,)))


def cuba(case):
    layer = LIF()
    return passes(case, lambda x: layer(x)[0])


def alif(case):
    layer = LSNN()
    return passes(case, lambda x: layer(x)[0])


def rlif(case):
    layer = LIFRecurrent(case.neurons, case.neurons)  # with weights for its input too
    return passes(case, lambda x: layer(x)[0], layer.parameters())


def shd(case):
    layer, readout = LIFRecurrent(*case.shape, case.neurons), nn.Linear(case.neurons, case.classes)
    return passes(case, lambda x: readout(layer(x)[0]).sum(0), [*layer.parameters(), *readout.parameters()])


def conv(case):
    stages, channels = [], case.shape[0]
    for width in case.widths:
        stages += [nn.Conv2d(channels, width, 3, padding=1), LIFBoxCell(), nn.AvgPool2d(2)]
        channels = width
    net = SequentialState(*stages, nn.Flatten(), nn.Linear(case.features, case.classes))

    def call(x):
        state, scores = None, 0
        for x_t in x:
            y, state = net(x_t, state)
            scores = scores + y
        return scores

    return passes(case, call, net.parameters())
