"""pip install snntorch==1.0.0, and a C++ compiler

snnTorch's neuron through torch.compile, called once a step. Compiling takes some 15 s and is not timed.
"""

from __future__ import annotations

import snntorch
import torch

from snnctl.benchmarks.workload import passes, stepped


def lif(case):
    neuron = snntorch.Leaky(beta=0.95)
    return passes(case, stepped(torch.compile(neuron, dynamic=False), lambda: (neuron.init_leaky(),)))
