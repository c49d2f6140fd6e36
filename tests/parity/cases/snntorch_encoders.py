"""snnTorch's spikegen: rate, latency, delta. Draws: torch.bernoulli is given the same uniform numbers.

Its latency scales times with the largest of the whole batch (normalize=True); here it is each sample's own, so it is
called once a sample.
"""

from __future__ import annotations

from snnctl.datasets.encodings import Delta, Latency, Rate
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import by_sample, drawing, given, images, series

DT, STEPS = 1e-3, 40


def _rate(setting: str, theirs: dict, mine: dict) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        with drawing(x["u"]):
            return {"spikes": spikegen.rate(x["x"], num_steps=STEPS, **theirs)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate(outside="clip", **mine)(x["x"][None], STEPS, DT, given(x["u"]))}

    inputs = images(low=-0.1, high=1.2)
    return Parity("snntorch.spikegen.rate", "encoding=rate/snntorch", setting, inputs, run, ours)


def _rate_series() -> Parity:
    def inputs() -> Inputs:
        return {"x": images(shape=(STEPS, 2, 5), steps=1)()["x"], "u": images(seed=1)()["u"]}

    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        with drawing(x["u"]):
            return {"spikes": spikegen.rate(x["x"], time_var_input=True)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate()(x["x"], STEPS, DT, given(x["u"]))}

    return Parity("snntorch.spikegen.rate", "encoding=rate/snntorch", "time_var_input=True", inputs, run, ours)


def _rate_conv(setting: str, low: float, high: float) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        with drawing(x["u"][0]):
            return {"spikes": spikegen.rate_conv(x["x"])[None]}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate(outside="clip")(x["x"][None], 1, DT, given(x["u"]))}

    inputs = images(1, (4, 12), low, high)
    return Parity("snntorch.spikegen.rate_conv", "encoding=rate/snntorch", setting, inputs, run, ours)


def _latency(setting: str, theirs: dict, mine: dict) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        return {"spikes": by_sample(lambda v: spikegen.latency(v, num_steps=STEPS, **theirs), x["x"])}

    def ours(x: Inputs) -> Traces:
        options = {"mode": "log", "tau": DT, "below": "latest", "rounding": "nearest"} | mine
        return {"spikes": Latency(**options)(x["x"][None], STEPS, DT, ())}

    inputs = images(shape=(4, 12))
    return Parity("snntorch.spikegen.latency", "encoding=latency/snntorch", setting, inputs, run, ours)


def _delta(setting: str, theirs: dict, mine: dict) -> Parity:
    def run(x: Inputs) -> Traces:
        from snntorch import spikegen

        return {"spikes": spikegen.delta(x["x"], **theirs)}

    def ours(x: Inputs) -> Traces:
        options = {"reference": "last", "initial": 0.0, "most": 1, "down": False} | mine
        return {"spikes": Delta(**options)(x["x"], STEPS, DT, ())}

    return Parity("snntorch.spikegen.delta", "encoding=delta/snntorch", setting, series(scale=0.1), run, ours)


CASES = [
    _rate("defaults", {}, {}),
    _rate("gain=0.5_offset=0.1", {"gain": 0.5, "offset": 0.1}, {"max_rate": 500.0, "offset": 0.1}),
    _rate("first_spike_time=7", {"first_spike_time": 7}, {"start": 7e-3}),
    _rate_series(),
    _rate_conv("defaults", 0.0, 1.0),
    _rate_conv("values_outside_0_to_1", -0.5, 1.5),
    _rate_conv("weak_values", 0.0, 0.1),
    _latency("defaults", {}, {}),
    _latency("tau=5_clip=True", {"tau": 5, "clip": True, "bypass": True}, {"tau": 5e-3, "below": "silent"}),
    _latency(
        "threshold=0.3_bypass=True", {"threshold": 0.3, "tau": 4, "bypass": True}, {"threshold": 0.3, "tau": 4e-3}
    ),
    _latency("normalize=True", {"normalize": True, "threshold": 0.2}, {"normalize": True, "threshold": 0.2}),
    _latency("linear=True", {"linear": True, "tau": 20}, {"mode": "linear", "t_max": 20e-3}),
    _latency(
        "linear_normalize_first_spike_time=3",
        {"linear": True, "normalize": True, "first_spike_time": 3},
        {"mode": "linear", "start": 3e-3},
    ),
    _delta("defaults", {}, {}),
    _delta("off_spike=True", {"off_spike": True}, {"down": True}),
    _delta("padding=True_threshold=0.05", {"padding": True, "threshold": 0.05}, {"initial": None, "theta": 0.05}),
]
