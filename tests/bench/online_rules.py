"""A training step of the online rules, beside one by backpropagation through time, in one interleaved run.

    python -m tests.bench.online_rules [--rounds 15] [--threads 1] [--steps 100] [--chunk 100]

A step is forward, loss and gradients of a batch of 64 random sequences of 200 channels (3 % spikes), 10 classes, a loss
at every step. recurrent: 256 recurrent LIF neurons; layers: two layers of 256 LIF neurons. Ratios are taken within a
round; their median is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import nn

from snnctl.allocator import keep_freed_memory
from snnctl.benchmarks.rounds import race as interleaved
from snnctl.benchmarks.rounds import ratio, warm
from snnctl.benchmarks.workload import Passes
from snnctl.datasets.batch import Batch
from snnctl.datasets.facts import Facts
from snnctl.losses import PerStepCrossEntropy
from snnctl.networks import Network, Recurrent
from snnctl.neurons import LI, LIF
from snnctl.regimes.bptt import BPTT
from snnctl.regimes.online.decolle import DECOLLE
from snnctl.regimes.online.eprop import EProp
from snnctl.regimes.online.ottt import OTTT
from snnctl.regimes.online.sltt import SLTT
from snnctl.report.tables import show

RULES = {"eprop": partial(EProp, feedback="random"), "ottt": OTTT, "sltt": SLTT, "decolle": DECOLLE}
BATCH, CHANNELS, CLASSES, WIDTH, DT = 64, 200, 10, 256, 1e-3
LIF_ = partial(LIF, tau_mem=20e-3)
NETWORKS = {
    "recurrent": {"fc": partial(nn.Linear, out_features=WIDTH), "loop": partial(Recurrent, neuron=LIF_)},
    "layers": {name: part for i in (0, 1) for name, part in
               {f"fc{i}": partial(nn.Linear, out_features=WIDTH), f"n{i}": LIF_}.items()},
}  # fmt: skip


def steppers(kind: str, steps: int, chunk: int) -> dict[str, Callable[[Batch], object]]:
    """Name -> one training step, all of the same weights."""
    torch.manual_seed(0)
    out = {"out": nn.Linear, "readout": partial(LI, tau_mem=20e-3)}
    network = Network(NETWORKS[kind] | out, Facts((CHANNELS,), tuple("0123456789"), DT, steps))
    for p in network.parameters():
        p.data.mul_(3.0)  # so that neurons fire
    loss, sgd = PerStepCrossEntropy(), partial(torch.optim.SGD, lr=0.1)
    backprop = BPTT(network, loss, sgd)

    def bptt(batch: Batch) -> object:
        found = backprop.loss(backprop.outputs(batch), batch.target, batch.length)
        return torch.autograd.grad(found, list(network.parameters()))

    return {"bptt": bptt} | {name: rule(network, loss, sgd, chunk=chunk).gradients for name, rule in RULES.items()}


def race(kind: str, steps: int, chunk: int, rounds: int) -> list[tuple[str, float, float]]:
    """A row a rule: its name, median milliseconds, median of its time over that of backpropagation within a round."""
    draw = torch.Generator().manual_seed(0)
    x = (torch.rand(steps, BATCH, CHANNELS, generator=draw) < 0.03).float()
    batch = Batch(x, torch.arange(BATCH) % CLASSES, torch.full((BATCH,), steps), torch.arange(BATCH))
    runs = {name: warm(partial(_passes, step, batch)) for name, step in steppers(kind, steps, chunk).items()}
    times = {name: found.total for name, found in interleaved(runs, rounds).items()}
    return [(name, 1e3 * median(own), median(ratio(own, times["bptt"]))) for name, own in times.items()]


def _passes(step: Callable[[Batch], object], batch: Batch) -> Passes:
    return Passes(partial(step, batch), lambda found: None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--chunk", type=int, default=100, help="steps that an online rule holds at once")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as the command does
    rows = [
        (kind, name, f"{ms:.1f}", f"{ratio:.2f}")
        for kind in NETWORKS
        for name, ms, ratio in race(kind, options.steps, options.chunk, options.rounds)
    ]
    show(("network", "rule", "ms", "/ bptt"), rows, right=(2, 3))


if __name__ == "__main__":
    main()
