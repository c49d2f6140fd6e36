"""snnTorch's target codings. Draws: torch.rand and torch.bernoulli are given the same uniform numbers.

targets_rate raises for any rate but 1 and 0 (it multiplies (T, B, C) by (T,)), so its trains are proven by
target_rate_code and rate_interpolate, which it calls. Not copied: an off_target below 0 is taken as 0 there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from snnctl.datasets.encodings import Latency, LatencyTargets, RateTargets
from snnctl.datasets.encodings.targets import ramps
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import Given, drawing

DT, STEPS, CLASSES = 1e-3, 40, 6


def _classes() -> Inputs:
    return {"target": torch.tensor([0, 3, 5, 3])}


def _case(api: str, ours: str, setting: str, theirs: Callable, mine: Callable, trace: str = "spikes", **rest) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        y = theirs(spikegen, x["target"])
        return {trace: y.expand(STEPS, *y.shape).clone() if y.dim() == 2 else y}

    def own(x: Inputs) -> Traces:
        return {trace: mine(x["target"], CLASSES, STEPS, DT)}

    return Parity(f"snntorch.spikegen.{api}", ours, setting, _classes, run, own, **rest)


def _rate(api: str, setting: str, theirs: dict, mine: dict) -> Parity:
    code = {"code": "rate"} if api == "targets_convert" else {}
    return _case(
        api, "RateTargets", setting,
        lambda spikegen, target: getattr(spikegen, api)(target, CLASSES, **code, **theirs), RateTargets(**mine),
    )  # fmt: skip


def _latency(api: str, setting: str, theirs: dict, mine: dict, **rest) -> Parity:
    code = {"code": "latency"} if api == "targets_convert" else {}
    latency = Latency(**{"mode": "log", "tau": DT, "below": "latest", "rounding": "nearest", **mine})
    return _case(
        api, "LatencyTargets", setting,
        lambda spikegen, target: getattr(spikegen, api)(target, CLASSES, num_steps=STEPS, **code, **theirs),
        LatencyTargets(latency, **rest), trace="y" if rest.get("ramp") else "spikes",
    )  # fmt: skip


def _train(setting: str, rate: float, start: int, pattern: str) -> Parity:
    def inputs() -> Inputs:
        return {"u": torch.rand(STEPS, generator=torch.Generator().manual_seed(5))}

    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        drawn = len(torch.arange(start, STEPS, 1 / rate)) if pattern == "uniform" else STEPS
        with drawing(x["u"][:drawn]):
            spikes, times = spikegen.target_rate_code(STEPS, start, rate, pattern)
        y = spikegen.rate_interpolate(times, STEPS, on_target=1.2, off_target=0.1)
        return {"spikes": spikes, "y": y}

    def ours(x: Inputs) -> Traces:
        mine = {"poisson": "bernoulli"}.get(pattern, pattern)
        spikes = RateTargets(rate, start=start * DT, pattern=mine).train(rate, STEPS, DT, Given(x["u"]))
        return {"spikes": spikes, "y": ramps(spikes, 1.2, 0.1)}

    return Parity("snntorch.spikegen.target_rate_code", "RateTargets", setting, inputs, run, ours)


CASES = [
    _rate("targets_rate", "defaults", {}, {}),
    _rate("targets_rate", "on_target=2_off_target=0.5", {"on_target": 2, "off_target": 0.5}, {"on": 2.0, "off": 0.5}),
    _rate("targets_rate", "first_spike_time=4", {"num_steps": STEPS, "first_spike_time": 4}, {"start": 4e-3}),
    _case(
        "targets_rate", "RateTargets", "correct_rate=0.5",
        lambda spikegen, target: spikegen.targets_rate(target, CLASSES, STEPS, correct_rate=0.5),
        RateTargets(0.5), fails="RuntimeError",
    ),
    _train("regular_rate=0.25", 0.25, 0, "regular"),
    _train("regular_rate=0.3_first=5", 0.3, 5, "regular"),
    _train("uniform_rate=0.4_first=2", 0.4, 2, "uniform"),
    _train("poisson_rate=0.6_first=3", 0.6, 3, "poisson"),
    _latency("targets_latency", "defaults", {}, {}),
    _latency("targets_latency", "clip=True_tau=3", {"clip": True, "tau": 3}, {"below": "silent", "tau": 3e-3}),
    _latency(
        "targets_latency", "linear_normalize", {"linear": True, "normalize": True}, {"mode": "linear"},
    ),
    _latency(
        "targets_latency", "interpolate_normalize", {"interpolate": True, "normalize": True, "on_target": 1.5},
        {"normalize": True}, ramp=True, on=1.5,
    ),
    _rate("targets_convert", "code=rate", {}, {}),
    _latency("targets_convert", "code=latency", {}, {}),
    _latency("targets_convert", "code=latency_first_spike_time=6", {"first_spike_time": 6}, {"start": 6e-3}),
]  # fmt: skip
