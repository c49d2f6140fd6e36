"""Norse's adaptive exponential neurons, with and without refractory steps, and its ada_lif_step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from snnctl.networks import AllToAll
from tests.parity.cases.norse_exponential import cases, fed_back, parameters
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, recurrent, without

FIELDS = {"v": "v", "i": "i", "a": "w"}
SETTINGS = {
    "defaults": ({}, {}),
    "adaptation_current=1_adaptation_spike=0.5_v_th=0.4": (
        {"adaptation_current": 1.0, "adaptation_spike": 0.5, "v_th": 0.4},
        {"a": 1.0, "b": 0.5, "threshold": 0.4, "theta": 0.4},
    ),
    "tau_ada_inv=50_tau_mem_inv=250_v_leak=-0.2": (
        {"tau_ada_inv": 50.0, "tau_mem_inv": 250.0, "v_leak": -0.2}, {"tau_w": 20e-3, "tau_mem": 4e-3, "v_rest": -0.2},
    ),
}  # fmt: skip
# Their rho_reset is in steps. A spike that the refractory time suppresses raises their adaptation all the same: with
# the defaults there is none, but the gradient flows through it; with adaptation_spike=0 all is equal.
REFRACTORY = {
    "defaults": ({}, 5.0, {}),
    "adaptation_spike=0_rho_reset=2_v_th=0.4": (
        {"adaptation_spike": 0.0, "v_th": 0.4}, 2.0, {"b": 0.0, "refractory": 2e-3, "threshold": 0.4, "theta": 0.4},
    ),
    "adaptation_spike=0_rho_reset=3_tau_mem_inv=250": (
        {"adaptation_spike": 0.0, "tau_mem_inv": 250.0}, 3.0, {"b": 0.0, "refractory": 3e-3, "tau_mem": 4e-3},
    ),
}  # fmt: skip


def _refractory(given: Inputs, form: str, rho: float, **options: float) -> Traces:
    import norse.torch as norse

    p = norse.LIFAdExRefracParameters(parameters("LIFAdEx", **options), torch.as_tensor(rho))
    names, weights = ["v", "i", "a"], []
    if form == "Cell":
        built = norse.LIFAdExRefracCell(p)
    else:
        weights = [("w", torch.nn.Parameter(given["w"].clone()))]
        kind = getattr(norse, f"LIFAdExRefrac{form}")
        built = kind(5, 5, p, input_weights=torch.eye(5), recurrent_weights=weights[0][1])
    if form == "Recurrent":
        x = given["x"].clone().requires_grad_()
        out, after = built(x)
        return {**with_gradients(out, x, given, weights), **{n: getattr(after.lif_adex, n) for n in names}}

    def step(x, *state):
        out, after = built(x, state[-1] if state else None)
        return (out, *(getattr(after.lif_adex, n) for n in names), after)

    return stepped(given, step, (), [*names, ""], weights)


def _held(given: Inputs, form: str, **options: float) -> Traces:
    name = "adex/norse_refrac"
    if form == "Cell":
        traces = mine(name, FIELDS, **options)(given)
    else:
        traces = recurrent(given, preset(name, **options), FIELDS, partial(AllToAll, autapses=False))
    traces["i"] = 0.8 * traces["i"]
    return {n: t[-1] if form == "Recurrent" and n in FIELDS else t for n, t in traces.items()}


def _proven(run: Callable[[Inputs], Traces], own: dict, given: Inputs) -> Traces:
    traces = run(given)
    return traces if own else without("grad_x grad_w", traces)


def _refractory_cases() -> list[Parity]:
    return [
        Parity(
            f"norse.torch.LIFAdExRefrac{form}",
            ("Recurrent with " if "Recurrent" in form else "") + "neuron=adex/norse_refrac", setting,
            currents(0.8, 0.6) if form == "Cell" else fed_back,
            partial(_proven, partial(_refractory, form=form, rho=rho, **options), own),
            partial(_proven, partial(_held, form=form, **own), own),
        )
        for form in ("Cell", "Recurrent", "RecurrentCell")
        for setting, (options, rho, own) in REFRACTORY.items()
    ]  # fmt: skip


def _ada_lif(given: Inputs, **options: float) -> Traces:
    from norse.torch.functional import lsnn

    p = lsnn.LSNNParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    w = torch.nn.Parameter(given["w"].clone())
    start = lsnn.LSNNState(*(torch.zeros_like(given["x"][0]) for _ in range(4)))

    def step(x, *state):
        out, after = lsnn.ada_lif_step(x, state[-1], torch.eye(5), w, p)
        return out, after.v, after.i, after.b, after

    return stepped(given, step, (start,), ["v", "i", "b", ""], [("w", w)])


def _ada_lif_case(setting: str, options: dict[str, float], own: dict[str, float]) -> Parity:
    fields = {"v": "v", "i": "i", "b": "w"}
    return Parity(
        "norse.torch.functional.lsnn.ada_lif_step", "Recurrent with neuron=ad_lif/norse", setting, fed_back,
        partial(_ada_lif, **options),
        lambda given: recurrent(given, preset("ad_lif/norse", **own), fields),
    )  # fmt: skip


CASES = [
    *cases("LIFAdEx", "adex/norse", FIELDS, SETTINGS),
    *_refractory_cases(),
    _ada_lif_case("defaults", {}, {}),
    _ada_lif_case("v_th=0.3_beta=0.5", {"v_th": 0.3, "beta": 0.5}, {"threshold": 0.3, "b": 0.5}),
    _ada_lif_case(
        "tau_adapt_inv=20_v_th=0.2", {"tau_adapt_inv": 20.0, "v_th": 0.2}, {"tau_w": 50e-3, "threshold": 0.2}
    ),
]
