"""pip install snntorch==1.0.0

snnTorch: its neurons are stepped in a Python loop, as its tutorials do.
"""

from __future__ import annotations

from itertools import pairwise

import snntorch
import torch
from torch import nn

from snnctl.benchmarks.workload import passes, stepped

BETA = 0.95


def onb(case):
    fc, neuron = nn.Linear(*case.shape, case.neurons), snntorch.Leaky(beta=BETA)
    over_time = stepped(lambda x_t, v: neuron(fc(x_t), v), lambda: (neuron.init_leaky(),))
    return passes(case, over_time, fc.parameters())


def lif(case):
    neuron = snntorch.Leaky(beta=BETA)
    return passes(case, stepped(neuron, lambda: (neuron.init_leaky(),)))


def cuba(case):
    neuron = snntorch.Synaptic(alpha=0.8, beta=BETA)
    return passes(case, stepped(neuron, neuron.init_synaptic))


def rlif(case):
    neuron = snntorch.RLeaky(beta=BETA, linear_features=case.neurons)

    def call(x):
        (s, v), outs = neuron.init_rleaky(), []
        for x_t in x:
            s, v = neuron(x_t, s, v)
            outs.append(s)
        return torch.stack(outs)

    return passes(case, call, neuron.parameters())


def shd(case):
    fc, readout = nn.Linear(*case.shape, case.neurons), nn.Linear(case.neurons, case.classes)
    neuron = snntorch.RLeaky(beta=BETA, linear_features=case.neurons)

    def call(x):
        (s, v), scores = neuron.init_rleaky(), 0
        for x_t in x:
            s, v = neuron(fc(x_t), s, v)
            scores = scores + readout(s)
        return scores

    return passes(case, call, nn.ModuleList([fc, neuron, readout]).parameters())


def conv(case):
    channels = [case.shape[0], *case.widths]
    convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels))
    neurons = [snntorch.Leaky(beta=BETA) for _ in convs]
    pool, readout = nn.AvgPool2d(2), nn.Linear(case.features, case.classes)

    def call(x):
        vs, scores = [neuron.init_leaky() for neuron in neurons], 0
        for h in x:
            for k, (layer, neuron) in enumerate(zip(convs, neurons, strict=True)):
                h, vs[k] = neuron(layer(h), vs[k])
                h = pool(h)
            scores = scores + readout(h.flatten(1))
        return scores

    return passes(case, call, [*convs.parameters(), *readout.parameters()])
