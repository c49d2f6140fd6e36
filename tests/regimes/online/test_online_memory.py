"""What a rule holds at its worst moment, read from torch's allocator: it does not grow with the number of steps."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from snnctl.datasets.batch import Batch
from snnctl.losses import PerStepCrossEntropy
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT
from snnctl.regimes.online.decolle import DECOLLE
from snnctl.regimes.online.eprop import EProp
from snnctl.regimes.online.fptt import FPTT
from snnctl.regimes.online.ostl import OSTL
from snnctl.regimes.online.ottt import OTTT
from snnctl.regimes.online.rtrl import RTRL
from snnctl.regimes.online.sltt import SLTT
from tests.regimes.online.drawn import SGD, network, recurrent

RULES = {"eprop": EProp, "ottt": OTTT, "sltt": SLTT, "ostl": OSTL, "decolle": DECOLLE, "rtrl": RTRL, "fptt": FPTT}


def peak(rule: str, steps: int, chunk: int) -> int:
    """Bytes beyond what there was before, of a batch of this many steps; its input is not counted."""
    net = network(recurrent(partial(LIF, tau_mem=5e-3)), sizes=(8,), steps=steps, readout=partial(LI, tau_mem=5e-3))
    x = torch.rand(steps, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    batch = Batch(x, torch.tensor([0, 1]), torch.full((2,), steps), torch.arange(2))
    if rule == "bptt":
        one = BPTT(net, PerStepCrossEntropy(), SGD)
        learn = lambda: one.loss(one.outputs(batch), batch.target, batch.length).backward()  # noqa: E731
    else:
        one = RULES[rule](net, PerStepCrossEntropy(), SGD, chunk=chunk).double()
        one.update = lambda gradients: None
        learn = lambda: one.gradients(batch)  # noqa: E731
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        learn()
    held = highest = 0
    for event in found.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    return highest


@pytest.mark.parametrize("rule", RULES)
def test_it_does_not_grow_with_the_steps(rule):
    short, long = (peak(rule, steps, 10) for steps in (30, 120))
    assert 0 < long <= 1.05 * short


def test_that_of_bptt_does():
    short, long = (peak("bptt", steps, 10) for steps in (30, 120))
    assert long > 3 * short


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_nor_up_to_ten_thousand_steps(rule):
    short, long = (peak(rule, steps, 100) for steps in (400, 10_000))
    print(f"{rule}: {short / 1e3:.0f} kB at T = 400, {long / 1e3:.0f} kB at T = 10,000")
    assert 0 < long <= 1.05 * short
