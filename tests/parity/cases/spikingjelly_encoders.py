"""SpikingJelly's encoders. Draws: torch.rand_like and torch.bernoulli are given the same uniform numbers.

Its PoissonEncoder fires at u <= P, ours at u < P: the same but for u = P.
"""

from __future__ import annotations

import torch

from snnctl.datasets.encodings import Current, Latency, Periodic, Population, Rate, WeightedPhase
from snnctl.neurons import IF
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import drawing, given, images

DT, STEPS = 1e-3, 40


def _poisson(setting: str, steps: int, shape: tuple[int, ...]) -> Parity:
    def run(x: Inputs) -> Traces:
        from spikingjelly.activation_based.encoding import PoissonEncoder

        encoder, out = PoissonEncoder(), []
        for u in x["u"]:
            with drawing(u):
                out.append(encoder(x["x"]))
        return {"spikes": torch.stack(out)}

    def ours(x: Inputs) -> Traces:
        return {"spikes": Rate()(x["x"][None], steps, DT, given(x["u"]))}

    api = "spikingjelly.activation_based.encoding.PoissonEncoder"
    return Parity(api, "encoding=rate/spikingjelly", setting, images(steps, shape), run, ours)


def _stateful(name: str, yaml: str, setting: str, make, mine, inputs, steps: int = STEPS) -> Parity:
    def run(x: Inputs) -> Traces:
        from spikingjelly.activation_based import encoding

        encoder = make(getattr(encoding, name), x["x"])
        return {"spikes": torch.stack([encoder(x["x"]) for _ in range(steps)])}

    def ours(x: Inputs) -> Traces:
        return {"spikes": mine(x["x"], steps)}

    return Parity(f"spikingjelly.activation_based.encoding.{name}", yaml, setting, inputs, run, ours)


def _latency(setting: str, steps: int, **options) -> Parity:
    mode = {"log": "exp"}.get(options.get("enc_function"), "linear")
    code = Latency(mode=mode, tau=DT, threshold=0.0, below="latest", rounding="nearest")
    return _stateful(
        "LatencyEncoder", "encoding=latency/spikingjelly", setting, lambda encoder, x: encoder(steps, **options),
        lambda x, steps: code(x[None], steps, DT, ()), images(shape=(3, 12)), steps,
    )  # fmt: skip


def _phase(bits: int) -> Parity:
    return _stateful(
        "WeightedPhaseEncoder", "encoding=weighted_phase", f"K={bits}", lambda encoder, x: encoder(bits),
        lambda x, steps: WeightedPhase(bits)(x[None], steps, DT, ()),
        images(shape=(3, 12), high=1 - 2**-bits), 3 * bits,
    )  # fmt: skip


def _periodic(rows: int) -> Parity:
    def inputs() -> Inputs:
        return {"x": (images(rows)()["u"] < 0.3).float()}

    return _stateful(
        "PeriodicEncoder", "encoding=periodic", f"T={rows}", lambda encoder, x: encoder(x),
        lambda x, steps: Periodic()(x, steps, DT, ()), inputs,
    )  # fmt: skip


def _population(name: str, setting: str, low: float, high: float, std: float, then: str) -> Parity:
    """then: how the activity becomes input; each of them is called once a sample and gives (T, B, obs pop)."""
    spikes = "activity" if then == "direct" else "spikes"

    def run(x: Inputs) -> Traces:
        from spikingjelly.activation_based import encoding

        encoder = getattr(encoding, name)(5, 8, STEPS, (low, high), std)
        u = images(shape=(2, 40), seed=3)()["u"]
        with drawing(u), torch.no_grad():
            return {spikes: encoder(x["x"])}

    def ours(x: Inputs) -> Traces:
        codes = {"direct": {}, "rate": {"then": Rate()}, "spikes": {"then": Current(IF(threshold=0.999))}}
        code = Population(8, low, high, std, **codes[then])
        u = images(shape=(2, 40), seed=3)()["u"]
        return {spikes: code(x["x"][None], STEPS, DT, given(u))}

    yaml = "encoding=population/spikes" if then == "spikes" else f"encoding=population then={then}"
    api = f"spikingjelly.activation_based.encoding.{name}"
    return Parity(api, yaml, setting, images(low=low, high=high), run, ours)


def _tuned(setting: str, count: int, low: float, high: float, duration: int) -> Parity:
    """Their times are a list in continuous time; a spike belongs to the step that it lies in.

    The last step is left out: activities below 1e-6 come within rounding of its end, or after it.
    """

    def run(x: Inputs) -> Traces:
        from spikingjelly.timing_based.encoding import GaussianTuning

        tuning = GaussianTuning(5, count, torch.full((5,), low), torch.full((5,), high))
        times, columns, offsets = tuning(x["x"][..., None], float(duration))
        sample = torch.repeat_interleave(torch.arange(2), offsets.diff())
        out = torch.zeros(duration, 2, 5 * count)
        out[times.long(), sample, columns] = 1
        return {"spikes": out[:-1]}

    def ours(x: Inputs) -> Traces:
        code = Population(count, low, high, spacing="beyond", then=Latency(threshold=0.0))
        return {"spikes": code(x["x"][None], duration, DT, ())[:-1]}

    api = "spikingjelly.timing_based.encoding.GaussianTuning"
    return Parity(api, "encoding=population/tuned", setting, images(low=low, high=high), run, ours)


CASES = [
    _poisson("defaults", STEPS, (2, 5)),
    _poisson("T=12", 12, (2, 5)),
    _poisson("images", 10, (2, 1, 4, 4)),
    _latency("defaults", STEPS),
    _latency("enc_function=log", STEPS, enc_function="log"),
    _latency("T=7", 7),
    _phase(8),
    _phase(4),
    _phase(3),
    _periodic(5),
    _periodic(7),
    _periodic(40),
    *[
        _population(name, setting, *settings, then)
        for name, then in (("PopEncoder", "direct"), ("PopSpikeEncoderRandom", "rate"),
                           ("PopSpikeEncoderDeterministic", "spikes"))
        for setting, settings in (("mean_range=0..1", (0.0, 1.0, 0.15)), ("mean_range=-3..3", (-3.0, 3.0, 0.387)),
                                  ("std=1", (-1.0, 2.0, 1.0)))
    ],
    _tuned("defaults", 8, 0.0, 1.0, 50),
    _tuned("m=5", 5, 0.0, 1.0, 50),
    _tuned("x=-2..3_duration=20", 8, -2.0, 3.0, 20),
]  # fmt: skip
