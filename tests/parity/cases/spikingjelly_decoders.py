"""SpikingJelly's voting layer and first-spike mask."""

from __future__ import annotations

import torch

from snnctl.datasets.encodings import FirstSpikes
from snnctl.networks import Voting
from tests.parity.outputs import outputs
from tests.parity.parity import Inputs, Parity, Traces


def _voting(setting: str, size: int, neurons: int, multi: bool) -> Parity:
    def traces(x: Inputs, call) -> Traces:
        out = x["out"].clone().requires_grad_()
        y = call(out)
        g = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
        return {"y": y, "grad_out": torch.autograd.grad((y * g).sum(), out)[0]}

    def run(x: Inputs) -> Traces:
        from spikingjelly.activation_based.layer import VotingLayer

        layer = VotingLayer(size, step_mode="m" if multi else "s")
        return traces(x, layer if multi else lambda out: torch.stack([layer(o) for o in out]))

    def ours(x: Inputs) -> Traces:
        layer = Voting(classes=neurons // size)
        return traces(x, lambda out: layer(out.flatten(0, 1)).unflatten(0, out.shape[:2]))

    api = "spikingjelly.activation_based.layer.VotingLayer"
    inputs = outputs(steps=10, batch=3, neurons=neurons, classes=neurons // size)
    return Parity(api, "networks.Voting", setting, inputs, run, ours)


def _first(setting: str, chance: float) -> Parity:
    def run(x: Inputs) -> Traces:
        from spikingjelly.activation_based.functional import first_spike_index

        return {"spikes": first_spike_index(x["out"].movedim(0, -1)).movedim(-1, 0).float()}

    def ours(x: Inputs) -> Traces:
        return {"spikes": FirstSpikes()(x["out"], len(x["out"]), 1e-3, ())}

    api = "spikingjelly.activation_based.functional.first_spike_index"
    return Parity(api, "encoding=first_spikes", setting, outputs(chance, batch=4), run, ours)


CASES = [
    _voting("defaults", 10, 40, False),
    _voting("voting_size=4", 4, 12, False),
    _voting("step_mode=m", 10, 20, True),
    _first("defaults", 0.2),
    _first("sparse", 0.02),
    _first("dense", 0.45),
]
