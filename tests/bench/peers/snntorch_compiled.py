"""pip install snntorch==1.0.0, and a C++ compiler

snnTorch's neuron through torch.compile, called once a step. Compiling takes some 15 s and is not timed.
"""

from __future__ import annotations

import snntorch
import torch

from snnctl.benchmarks.workload import passes


def lif(case):
    neuron = torch.compile(snntorch.Leaky(beta=0.95), dynamic=False)

    def call(x):
        v, out = torch.zeros_like(x[0]), []
        for x_t in x:
            s, v = neuron(x_t, v)
            out.append(s)
        return torch.stack(out)

    return passes(case, call)
