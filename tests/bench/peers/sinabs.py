"""pip install nir==1.0.4 nirtorch pbr matplotlib && pip install --no-deps sinabs==3.1.3

Sinabs: batch first, a state that is reset before each pass. It asks for samna, whose import runs pip: leave that out.
"""

from __future__ import annotations

import torch
from sinabs.layers import ALIF, LIF, LIFRecurrent, LIFSqueeze, StatefulLayer
from torch import nn

from snnctl.benchmarks.workload import passes

TAU = torch.tensor(20.0)  # steps


def onb(case):
    return _passes(case, nn.Sequential(nn.Linear(*case.shape, case.neurons), LIF(tau_mem=TAU)))


def lif(case):
    return _passes(case, LIF(tau_mem=TAU))


def cuba(case):
    return _passes(case, LIF(tau_mem=TAU, tau_syn=torch.tensor(5.0)))


def alif(case):
    return _passes(case, ALIF(tau_mem=TAU, tau_adapt=torch.tensor(200.0)))


def rlif(case):
    return _passes(case, LIFRecurrent(tau_mem=TAU, rec_connect=nn.Linear(case.neurons, case.neurons, bias=False)))


def shd(case):
    n = case.neurons
    recurrent = LIFRecurrent(tau_mem=TAU, rec_connect=nn.Linear(n, n, bias=False))
    net = nn.Sequential(nn.Linear(*case.shape, n), recurrent, nn.Linear(n, case.classes))
    return _passes(case, net, lambda x: net(x).sum(1))


def conv(case):
    stages, channels = [], case.shape[0]
    for width in case.widths:
        neurons = LIFSqueeze(tau_mem=TAU, batch_size=case.batch)
        stages += [nn.Conv2d(channels, width, 3, padding=1), neurons, nn.AvgPool2d(2)]
        channels = width
    net = nn.Sequential(*stages, nn.Flatten(), nn.Linear(case.features, case.classes))
    return _passes(case, net, lambda x: net(x.flatten(0, 1)).unflatten(0, x.shape[:2]).sum(1))


def _passes(case, net, call=None):
    def fresh(x):
        for module in net.modules():
            if isinstance(module, StatefulLayer):
                module.reset_states()
        return (call or net)(x)

    weights = [p for module in net.modules() if isinstance(module, (nn.Linear, nn.Conv2d)) for p in module.parameters()]
    return passes(case, fresh, weights, batch_first=True)
