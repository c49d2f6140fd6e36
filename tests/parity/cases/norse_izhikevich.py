"""Norse's Izhikevich neurons: all of its twenty firing patterns, and its four forms."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.networks import AllToAll
from tests.parity.cases.norse_lif import cell, sequence
from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, preset, recurrent

PATTERNS = [
    "tonic_spiking", "phasic_spiking", "tonic_bursting", "phasic_bursting", "mixed_mode", "spike_frequency_adaptation",
    "class_1_exc", "class_2_exc", "spike_latency", "subthreshold_oscillation", "resonator", "integrator",
    "rebound_spike", "rebound_burst", "threshold_variability", "bistability", "dap", "accomodation",
    "inhibition_induced_spiking", "inhibition_induced_bursting",
]  # fmt: skip
FIELDS = {"v": "v", "u": "u"}
DRIVE = currents(scale=10.0, offset=15.0, shape=(2, 3))


def _fed_back() -> Inputs:
    w = torch.randn(3, 3, generator=torch.Generator().manual_seed(3)) * 10
    return {**DRIVE(), "w": w.fill_diagonal_(0.0)}


def _theirs(given: Inputs, pattern: str, form: str) -> Traces:
    import norse.torch as norse
    from norse.torch.functional import izhikevich

    behaviour = getattr(izhikevich, pattern)
    behaviour = behaviour._replace(s=izhikevich.IzhikevichState(behaviour.s.v.detach(), behaviour.s.u.detach()))
    built = getattr(norse, f"Izhikevich{form}")
    if form == "Cell":
        return cell(built(behaviour), ["v", "u"], given)
    if form == "":
        return sequence(built(behaviour, record_states=True), ["v", "u"], given)
    w = torch.nn.Parameter(given["w"].clone())
    made = built(3, 3, behaviour, input_weights=torch.eye(3), recurrent_weights=w)
    if form == "Recurrent":
        x = given["x"].clone()
        state = izhikevich.IzhikevichRecurrentState(
            torch.zeros_like(x[0]), *(f.expand_as(x[0]).clone() for f in behaviour.s)
        )
        x.requires_grad_()
        out, after = made(x, state)
        return {**with_gradients(out, x, given, [("w", w)]), "v": after.v, "u": after.u}

    def step(x, *state):
        out, after = made(x, state[-1] if state else None)
        return out, after.v, after.u, after

    return stepped(given, step, (), ["v", "u", ""], [("w", w)])


def _mine(given: Inputs, pattern: str, form: str) -> Traces:
    options = {"detach_reset": False}  # as they have it
    if "Recurrent" not in form:
        return mine(f"izhikevich/{pattern}", FIELDS, **options)(given)
    neuron = preset(f"izhikevich/{pattern}", **options)
    traces = recurrent(given, neuron, FIELDS, partial(AllToAll, autapses=False))
    return {n: t[-1] if form == "Recurrent" and n in FIELDS else t for n, t in traces.items()}


def _case(pattern: str, form: str) -> Parity:
    return Parity(
        f"norse.torch.Izhikevich{form}",
        ("Recurrent with " if "Recurrent" in form else "") + f"neuron=izhikevich/{pattern}", pattern,
        _fed_back if "Recurrent" in form else DRIVE,
        partial(_theirs, pattern=pattern, form=form), partial(_mine, pattern=pattern, form=form),
    )  # fmt: skip


CASES = [_case(pattern, "Cell") for pattern in PATTERNS] + [
    _case(pattern, form)
    for form in ("", "Recurrent", "RecurrentCell")
    for pattern in ("tonic_spiking", "class_1_exc", "mixed_mode")
]
