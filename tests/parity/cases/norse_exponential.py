"""Norse's exponential integrate-and-fire neurons."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.networks import AllToAll
from tests.parity.cases.norse_lif import cell, sequence
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, recurrent

SETTINGS = {
    "defaults": ({}, {}),
    "v_th=0.4_delta_T=0.3": ({"v_th": 0.4, "delta_T": 0.3}, {"threshold": 0.4, "theta": 0.4, "delta": 0.3}),
    "tau_mem_inv=250_v_leak=-0.2_v_reset=-0.5": (
        {"tau_mem_inv": 250.0, "v_leak": -0.2, "v_reset": -0.5}, {"tau_mem": 4e-3, "v_rest": -0.2, "v_reset": -0.5},
    ),
}  # fmt: skip


def fed_back() -> Inputs:
    """Currents, and w: weights of the feedback without autapses."""
    w = torch.randn(5, 5, generator=torch.Generator().manual_seed(3)) * 0.5
    return {**currents(0.8, 0.4)(), "w": w.fill_diagonal_(0.0)}


def parameters(kind: str, **options: float):
    """Parameters of Norse, LIFExParameters or LIFAdExParameters."""
    import norse.torch as norse

    module = norse.functional.lif_ex if kind == "LIFEx" else norse.functional.lif_adex
    return getattr(module, f"{kind}Parameters")(**{n: torch.as_tensor(v) for n, v in options.items()})


def theirs(given: Inputs, kind: str, form: str, names: list[str], **options: float) -> Traces:
    """One of Norse's forms of a neuron, "", "Cell", "Recurrent" or "RecurrentCell": spikes, gradients and states."""
    import norse.torch as norse

    built = getattr(norse, kind + form)
    p = parameters(kind, **options)
    if form == "Cell":
        return cell(built(p), names, given)
    if form == "":
        return sequence(built(p, record_states=True), names, given)
    w = torch.nn.Parameter(given["w"].clone())
    made = built(5, 5, p, input_weights=torch.eye(5), recurrent_weights=w)
    if form == "Recurrent":  # their states after the last step only
        x = given["x"].clone().requires_grad_()
        out, after = made(x)
        return {**with_gradients(out, x, given, [("w", w)]), **{n: getattr(after, n) for n in names}}

    def step(x, *state):
        out, after = made(x, state[-1] if state else None)
        return (out, *(getattr(after, n) for n in names), after)

    return stepped(given, step, (), [*names, ""], [("w", w)])


def ours(given: Inputs, name: str, form: str, fields: dict[str, str], **options: float) -> Traces:
    """The same of a preset; their i has decayed already for the next step."""
    if "Recurrent" in form:
        traces = recurrent(given, preset(name, **options), fields, partial(AllToAll, autapses=False))
    else:
        traces = mine(name, fields, **options)(given)
    traces["i"] = (1 - 1e-3 / options.get("tau_syn", 5e-3)) * traces["i"]
    return {n: t[-1] if form == "Recurrent" and n in fields else t for n, t in traces.items()}


def cases(kind: str, name: str, fields: dict[str, str], settings: dict[str, tuple[dict, dict]]) -> list[Parity]:
    """A neuron of Norse in its four forms, each in all settings."""
    return [
        Parity(
            f"norse.torch.{kind}{form}", ("Recurrent with " if "Recurrent" in form else "") + f"neuron={name}", setting,
            fed_back if "Recurrent" in form else currents(0.8, 0.4),
            partial(theirs, kind=kind, form=form, names=list(fields), **options),
            partial(ours, name=name, form=form, fields=fields, **own),
        )
        for form in ("", "Cell", "Recurrent", "RecurrentCell")
        for setting, (options, own) in settings.items()
    ]  # fmt: skip


CASES = cases("LIFEx", "eif/norse", {"v": "v", "i": "i"}, SETTINGS)
