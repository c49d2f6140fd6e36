"""Norse's recurrent neurons: no bias, no autapses, the reset's spike detached."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.networks import AllToAll
from tests.parity.cases.norse_alif import parameters as lsnn_parameters
from tests.parity.cases.norse_cuba_lif import decayed
from tests.parity.cases.norse_cuba_lif import parameters as lif_parameters
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent

FIELDS = {"lif": {"v": "v", "i": "i"}, "lsnn": {"v": "v", "i": "i", "b": "a"}, "refrac": {"v": "v", "i": "i"}}
PRESETS = {"lif": "cuba_lif/norse", "lsnn": "alif/norse", "refrac": "cuba_lif/norse_refrac"}
APIS = {"lif": "LIFRecurrent", "lsnn": "LSNNRecurrent", "refrac": "LIFRefracRecurrent"}


def _inputs() -> Inputs:
    w = torch.randn(5, 5, generator=torch.Generator().manual_seed(3))
    return {**currents(0.8, 0.3)(), "w": w.fill_diagonal_(0.0)}


def _parameters(kind: str, **options: float):
    import norse.torch as norse

    if kind == "lsnn":
        return lsnn_parameters(**options)
    given = lif_parameters(**options)
    return given if kind == "lif" else norse.LIFRefracParameters(given)


def _theirs(given: Inputs, kind: str, over_time: bool, **options: float) -> Traces:
    import norse.torch as norse

    w = torch.nn.Parameter(given["w"].clone())
    build = getattr(norse, APIS[kind] + ("" if over_time else "Cell"))
    built = build(5, 5, _parameters(kind, **options), input_weights=torch.eye(5), recurrent_weights=w)
    fields = [n for n in FIELDS[kind]]
    if over_time:  # their states after the last step only
        x = given["x"].clone().requires_grad_()
        out, after = built(x)
        after = after.lif if kind == "refrac" else after
        return {**with_gradients(out, x, given, [("w", w)]), **{n: getattr(after, n) for n in fields}}

    def step(x, *state):
        out, after = built(x, state[-1] if state else None)
        inner = after.lif if kind == "refrac" else after
        return (out, *(getattr(inner, n) for n in fields), after)

    return stepped(given, step, (), [*fields, ""], [("w", w)])


def _mine(given: Inputs, kind: str, over_time: bool, **options: float) -> Traces:
    detached = {"detach_reset": True, **({"detach_adaptation": True} if kind == "lsnn" else {})}
    neuron = preset(PRESETS[kind], **detached, **options)
    traces = recurrent(given, neuron, FIELDS[kind], partial(AllToAll, autapses=False))
    if kind == "lsnn":
        traces["b"] = options.get("threshold", 1.0) + 1.8 * traces["b"]
    else:
        traces = decayed(traces)
    return {n: t[-1] if over_time and n in FIELDS[kind] else t for n, t in traces.items()}


def _case(kind: str, setting: str, theirs: dict, options: dict, over_time: bool = False) -> Parity:
    return Parity(
        f"norse.torch.{APIS[kind]}{'' if over_time else 'Cell'}", f"Recurrent with neuron={PRESETS[kind]}", setting,
        _inputs, lambda given: _theirs(given, kind, over_time, **theirs),
        lambda given: _mine(given, kind, over_time, **options),
    )  # fmt: skip


SETTINGS = {
    "defaults": ({}, {}),
    "v_th=0.2": ({"v_th": 0.2}, {"threshold": 0.2}),
    "v_th=0.3_tau_mem_inv=250": ({"v_th": 0.3, "tau_mem_inv": 250.0}, {"threshold": 0.3, "tau_mem": 4e-3}),
}
CASES = [
    _case(kind, setting, *both, over_time=over_time)
    for kind in APIS for over_time in (False, True) for setting, both in SETTINGS.items()
]  # fmt: skip
