"""Norse's correlation-sensing neuron: a recurrent LIF, and a sensor at its inputs and its feedback."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from snnctl.networks import Recurrent
from snnctl.neurons import CorrelationSensor
from tests.parity.cases.norse_cuba_lif import parameters
from tests.parity.drive import currents
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset

FIELDS = ("post_last", "causal", "anticausal")


def _spikes() -> Inputs:
    draw = torch.Generator().manual_seed(8)
    given = currents(shape=(1, 4))()  # their masks hold for a batch of one alone
    return {"x": (given["x"] > 0.7).float(), "w_in": torch.randn(3, 4, generator=draw) * 3,
            "w": torch.randn(3, 3, generator=draw)}  # fmt: skip


def _theirs(given: Inputs, sensor: dict[str, float], **options: float) -> Traces:
    import norse.torch as norse
    from norse.torch.functional import correlation_sensor, lif_correlation

    seen = correlation_sensor.CorrelationSensorParameters(**{n: torch.as_tensor(v) for n, v in sensor.items()})
    p = lif_correlation.LIFCorrelationParameters(parameters(**options), seen, seen)
    built, state = norse.LIFCorrelation(4, 3, p), None
    traces: dict[str, list[Tensor]] = {"spikes": [], "v": []}
    for x in given["x"]:
        out, state = built(x, given["w_in"], given["w"], state)
        traces["spikes"].append(out)
        traces["v"].append(state.lif_state.v)
    last = {"input": state.input_correlation_state, "feedback": state.recurrent_correlation_state}
    ends = {f"{side}_{n}": f for side, s in last.items() for n, f in zip(FIELDS, s, strict=True)}
    return {**{name: torch.stack(steps) for name, steps in traces.items()}, **ends}


def _mine(given: Inputs, sensor: dict[str, float], **options: float) -> Traces:
    layer = Recurrent(preset("cuba_lif/norse", **options), (3,))
    with torch.no_grad():
        layer.feedback.weight.copy_(given["w"])
        out, _, states = layer.trace(given["x"] @ given["w_in"].T, dt=1e-3)
    sense = CorrelationSensor(decay="euler", **sensor)
    before = torch.cat([torch.zeros_like(out[:1]), out[:-1]])
    last = {"input": sense(given["x"], out, dt=1e-3), "feedback": sense(before, out, dt=1e-3)}
    ends = {f"{side}_{n}": getattr(s, n) for side, s in last.items() for n in FIELDS}
    return {"spikes": out, "v": states["v"], **ends}


def _case(setting: str, seen: dict, own: dict, theirs: dict, options: dict) -> Parity:
    return Parity(
        "norse.torch.LIFCorrelation", "Recurrent with neuron=cuba_lif/norse, CorrelationSensor", setting, _spikes,
        partial(_theirs, sensor=seen, **theirs), partial(_mine, sensor=own, **options),
    )  # fmt: skip


CASES = [
    _case("defaults", {}, {}, {}, {}),
    _case("eta_p=0.5_eta_m=0.2_v_th=0.5", {"eta_p": 0.5, "eta_m": 0.2}, {"eta_c": 0.5, "eta_a": 0.2},
          {"v_th": 0.5}, {"threshold": 0.5}),
    _case("tau_c_inv=50_tau_ac_inv=200", {"tau_c_inv": 50.0, "tau_ac_inv": 200.0}, {"tau_c": 20e-3, "tau_a": 5e-3},
          {}, {}),
]  # fmt: skip
