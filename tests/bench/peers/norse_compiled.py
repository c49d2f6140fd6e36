"""pip install nir nirtorch && pip install --no-deps norse==1.1.0, and a C++ compiler

Norse's cells through torch.compile, called once a step. Compiling takes some 15 s and is not timed.
"""

from __future__ import annotations

import torch
from norse.torch import LIFBoxCell
from norse.torch.module.lif import LIFCell
from torch import nn

from snnctl.benchmarks.workload import passes, stepped


def onb(case):
    fc = nn.Linear(*case.shape, case.neurons)
    over_time = _looped(LIFCell())
    return passes(case, lambda x: over_time(fc(x)), fc.parameters())


def lif(case):
    return passes(case, _looped(LIFBoxCell()))


def _looped(cell):
    return stepped(torch.compile(cell, dynamic=False), lambda: (None,))
