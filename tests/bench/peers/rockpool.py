"""pip install numpy scipy && pip install --no-deps rockpool==3.1.0

Rockpool: batch first, its torch modules.
"""

from __future__ import annotations

from rockpool.nn.modules import LIFNeuronTorch, LIFTorch
from rockpool.nn.modules.torch.ahp_lif_torch import aLIFTorch
from torch import nn

from snnctl.benchmarks.workload import passes


def onb(case):
    fc, layer = nn.Linear(*case.shape, case.neurons), LIFTorch(case.neurons)
    return passes(case, lambda x: layer(fc(x))[0], fc.parameters(), batch_first=True)


def lif(case):
    layer = LIFNeuronTorch(case.neurons)
    return passes(case, lambda x: layer(x)[0], batch_first=True)


def cuba(case):
    layer = LIFTorch(case.neurons)
    return passes(case, lambda x: layer(x)[0], batch_first=True)


def alif(case):
    layer = aLIFTorch(case.neurons)
    return passes(case, lambda x: layer(x)[0], batch_first=True)


def rlif(case):
    layer = LIFTorch(case.neurons, has_rec=True)
    return passes(case, lambda x: layer(x)[0], nn.Module.parameters(layer), batch_first=True)


def shd(case):
    fc, layer = nn.Linear(*case.shape, case.neurons), LIFTorch(case.neurons, has_rec=True)
    readout = nn.Linear(case.neurons, case.classes)
    learned = [*fc.parameters(), *nn.Module.parameters(layer), *readout.parameters()]
    return passes(case, lambda x: readout(layer(fc(x))[0]).sum(1), learned, batch_first=True)
