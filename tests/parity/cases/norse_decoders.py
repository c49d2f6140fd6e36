"""Norse's decoders. Backward through its spike times raises unless every neuron has the spikes asked for."""

from __future__ import annotations

import torch

from snnctl.metrics.decoders import Count, spike_times
from snnctl.metrics.decoders.decoder import whole
from tests.parity.outputs import outputs
from tests.parity.parity import Inputs, Parity, Traces

DT = 1e-3


def _sum(setting: str, **given) -> Parity:
    def run(x: Inputs) -> Traces:
        from norse.torch.functional.decode import sum_decode

        return {"scores": sum_decode(x["out"])}

    def ours(x: Inputs) -> Traces:
        return {"scores": Count().scores(x["out"], whole(x["out"]))}

    api = "norse.torch.functional.sum_decode"
    return Parity(api, "decoder=count", setting, outputs(**given), run, ours)


def _times(setting: str, theirs: dict, count: int, dt: float, gradient: bool, **given) -> Parity:
    def traces(x: Inputs, call) -> Traces:
        out = x["out"].clone().requires_grad_(gradient)
        times = call(out)
        found = {"times": times.detach()}
        if gradient:
            g = torch.randn(times.shape, generator=torch.Generator().manual_seed(1))
            found["grad_out"] = torch.autograd.grad((times * g).sum(), out)[0]
        return found

    def run(x: Inputs) -> Traces:
        from norse.torch import SpikesToTimesDecoder

        return traces(x, SpikesToTimesDecoder(**theirs))

    def ours(x: Inputs) -> Traces:
        return traces(x, lambda out: spike_times(out, count, dt=dt))

    api = "norse.torch.SpikesToTimesDecoder"
    return Parity(api, "metrics.decoders.spike_times", setting, outputs(**given), run, ours)


CASES = [
    _sum("defaults"),
    _sum("sparse", chance=0.03),
    _sum("dense", chance=0.45),
    _times("defaults", {}, 1, DT, True),
    _times("spike_count=3", {"spike_count": torch.tensor(3)}, 3, DT, True, chance=0.3),
    _times(
        "convert_indices_to_times=False_sparse", {"spike_count": torch.tensor(4), "convert_indices_to_times": False},
        4, 1.0, False, chance=0.03,
    ),
]  # fmt: skip
