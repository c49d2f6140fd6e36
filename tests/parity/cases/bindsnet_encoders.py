"""BindsNET's encoders. Draws: torch.bernoulli is given the same uniform numbers; the intervals of its Poisson encoder
are made of the same uniform numbers and the mean that each side asks for, by the same rule.

Its encoders look at one sample, so they are called once a sample. Its rank order is no order of ranks: times grow with
1 / v; and the smallest value never spikes.
"""

from __future__ import annotations

from unittest import mock

import numpy as np
import torch

from snnctl.datasets.encodings import Direct, Poisson, RankOrder, Rate, Single
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import by_sample, drawing, given, images, spread

DT, STEPS = 1e-3, 40


def _plain(name: str, yaml: str, setting: str, theirs: dict, mine, steps: int = STEPS, trace: str = "spikes") -> Parity:
    def run(x: Inputs) -> Traces:
        encoder = getattr(bindsnet("encoding.encoders"), name)(steps, **theirs)
        return {trace: by_sample(lambda v: encoder(v.clone()).float(), x["x"])}

    def ours(x: Inputs) -> Traces:
        steps_here = run_steps(steps, theirs)
        return {trace: mine(x["x"][None], steps_here, DT, ())}

    return Parity(f"bindsnet.encoding.{name}", yaml, setting, images(shape=(2, 20)), run, ours)


def run_steps(time: int, options: dict) -> int:
    return int(time / options.get("dt", 1.0))


def _bernoulli(setting: str, theirs: dict, rate: float | None = None) -> Parity:
    steps = run_steps(STEPS, theirs)

    def run(x: Inputs) -> Traces:
        encoder = bindsnet("encoding.encoders").BernoulliEncoder(STEPS, **theirs)
        out = []
        for b, sample in enumerate(x["x"]):
            with drawing(x["u"][:, b]):
                out.append(encoder(sample.clone()).float())
        return {"spikes": torch.stack(out, 1)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate(rate)(x["x"][None], steps, DT, given(x["u"]))}

    return Parity("bindsnet.encoding.BernoulliEncoder", "encoding=rate/bindsnet", setting, images(steps), run, ours)


def _poisson(setting: str, time: int, dt: float, most: float) -> Parity:
    steps = int(time / dt)

    def run(x: Inputs) -> Traces:
        encoder, out = bindsnet("encoding.encoders").PoissonEncoder(time, dt=dt), []
        for b, sample in enumerate(x["x"]):
            u = x["u"][:, b]

            class Drawn:
                def __init__(self, rate, **options):
                    self.rate = rate

                def sample(self, sample_shape, u=u):
                    return torch.from_numpy(np.stack([spread(row, self.rate) for row in u.numpy()])).float()

            with mock.patch("torch.distributions.Poisson", Drawn):
                out.append(encoder(sample).float())
        return {"spikes": torch.stack(out, 1)}

    def ours(x: Inputs) -> Traces:
        code = Poisson(max_rate=1.0, intervals="poisson")
        return {"spikes": code(x["x"][None], steps, dt * 1e-3, given(x["u"]))}

    inputs = images(steps + 1, high=most)
    return Parity("bindsnet.encoding.PoissonEncoder", "encoding=poisson/bindsnet", setting, inputs, run, ours)


CASES = [
    _plain("RepeatEncoder", "encoding=direct", "defaults", {}, Direct(), trace="x"),
    _plain("RepeatEncoder", "encoding=direct", "dt=0.5", {"dt": 0.5}, Direct(), trace="x"),
    _plain("RepeatEncoder", "encoding=direct", "time=7", {}, Direct(), 7, trace="x"),
    _bernoulli("defaults", {}),
    _bernoulli("max_prob=0.3", {"max_prob": 0.3}, 300.0),
    _bernoulli("dt=0.5", {"dt": 0.5}),
    _poisson("defaults", STEPS, 1.0, 128.0),
    _poisson("dt=0.5", STEPS, 0.5, 200.0),
    _poisson("time=100", 100, 1.0, 60.0),
    _plain("SingleEncoder", "encoding=single", "defaults", {}, Single()),
    _plain("SingleEncoder", "encoding=single", "sparsity=0.2", {"sparsity": 0.2}, Single(0.2)),
    _plain("SingleEncoder", "encoding=single", "sparsity=0.93", {"sparsity": 0.93}, Single(0.93)),
    *[
        _plain("RankOrderEncoder", "encoding=rank_order/bindsnet", setting, options,
               RankOrder("reciprocal", weakest=False), steps)
        for setting, options, steps in (("defaults", {}, STEPS), ("dt=0.5", {"dt": 0.5}, STEPS), ("time=100", {}, 100))
    ],
]  # fmt: skip
