"""Diehl & Cook's network learning by STDP, beside BindsNET's DiehlAndCook2015, in one interleaved run.

    .venv-oracles/bin/python -m tests.bench.diehl_cook [--neurons 100 400] [--batch 1] [--rounds 20]

A round is one batch of images for 250 steps of 1 ms, with learning, the weights' normalisation and the reset of states,
on the same spikes; both start from the same weights. One thread. Images are random patches as bright as a digit's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from snnctl.losses.parameters import limited
from snnctl.plasticity import PairSTDP
from snnctl.plasticity.passes import PlasticPass
from tests.networks.presets import data, preset
from tests.parity.frameworks import bindsnet, guard

STEPS, PIXELS, WARM = 250, 784, 2


def theirs(neurons: int, batch: int, w: Tensor) -> Callable[[Tensor], None]:
    """Their network; w (784, N)."""
    bindsnet("network.topology")
    learning = bindsnet("learning.learning")
    package = sys.modules["bindsnet.learning"]
    sys.modules["bindsnet"].learning = package
    for name in ("NoOp", "PostPre", "LearningRule"):
        setattr(package, name, getattr(learning, name))  # which their modules take from the package itself
    package.MCC_learning = bindsnet("learning.MCC_learning")
    bindsnet("learning.reward")
    sys.modules["bindsnet.network"].Network = bindsnet("network.network").Network
    reduction = torch.sum if batch > 1 else None
    net = bindsnet("models.models").DiehlAndCook2015(PIXELS, n_neurons=neurons, batch_size=batch, reduction=reduction)
    net.connections[("X", "Ae")].pipeline[0].value.data.copy_(w)

    def run(x: Tensor) -> None:
        net.run(inputs={"X": x}, time=STEPS)
        net.reset_state_variables()

    return run


def ours(neurons: int, batch: int, w: Tensor) -> Callable[[Tensor], None]:
    """The network of the zoo, with the rule and the kept thresholds of theirs."""
    net = preset(data((PIXELS,), 10, STEPS), "network=zoo/diehl_cook", f"network.neurons={neurons}",
                 "network.excitatory.per=neuron", "network.excitatory.learnable=[threshold]")  # fmt: skip
    weight = net.layers["linear"].weight
    weight.data.copy_(w.T)
    rule = PairSTDP(synapses="linear", low=0.0, high=1.0, eta_plus=1e-2, eta_minus=1e-4, spikes="nearest")
    plastic, length = PlasticPass(net, {"input": rule}, keep=["loop.exc"]), torch.full((batch,), STEPS)

    def run(x: Tensor) -> None:
        plastic.run(x, length)
        weight.data.copy_(limited(weight.data, norm=78.4))

    return run


def race(neurons: int, batch: int, rounds: int) -> dict[str, object]:
    """Median milliseconds of a round of each, and quartiles of their ratio within rounds."""
    draw = torch.Generator().manual_seed(0)
    w = 0.3 * torch.rand(PIXELS, neurons, generator=draw)
    runs = {"bindsnet": theirs(neurons, batch, w), "snnctl": ours(neurons, batch, w)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + WARM):
        image = (torch.rand(batch, 28, 28, generator=draw) < 0.19) * torch.rand(batch, 28, 28, generator=draw) ** 0.3
        chance = 0.128 * image.view(batch, PIXELS)
        x = (torch.rand(STEPS, batch, PIXELS, generator=draw) < chance).float()
        for name in sorted(runs, reverse=bool(number % 2)):
            begin = time.perf_counter()
            runs[name](x.clone())
            times[name].append(time.perf_counter() - begin)
    kept = {name: found[WARM:] for name, found in times.items()}
    ratios = [a / b for a, b in zip(kept["bindsnet"], kept["snnctl"], strict=True)]
    return {
        "neurons": neurons, "batch": batch, "rounds": rounds,
        **{f"{name}_ms": round(1e3 * statistics.median(found), 2) for name, found in kept.items()},
        "times_faster": [round(q, 1) for q in statistics.quantiles(ratios, n=4, method="inclusive")],
    }  # fmt: skip


def main() -> int:
    """1 where it is less than five times as fast as theirs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    guard()
    torch.set_num_threads(1)
    found = [race(n, options.batch, options.rounds) for n in options.neurons]
    for row in found:
        print(json.dumps(row))
    return int(any(row["times_faster"][1] < 5 for row in found))


if __name__ == "__main__":
    sys.exit(main())
