"""Norse's multi-compartment neurons.

LIFMCRefracRecurrentCell leaves dt out of its coupling, so its matrix is ours times dt. Its refractory compartments may
fire, and the surrogate sees through their count: spikes and potentials are compared, where none does.
"""

from __future__ import annotations

from functools import partial

import torch

from snnctl.networks import AllToAll
from tests.parity.cases.norse_cuba_lif import parameters
from tests.parity.cases.norse_exponential import fed_back
from tests.parity.drive import stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import preset, recurrent, without

FIELDS = {"v": "v", "i": "i"}
NAME = "coupled_lif/norse"
SETTINGS = {
    "defaults": ({}, {}, 1.0),
    "v_th=0.3_strong": ({"v_th": 0.3}, {"threshold": 0.3}, 100.0),
    "tau_mem_inv=250_v_reset=-0.5": ({"tau_mem_inv": 250.0, "v_reset": -0.5}, {"tau_mem": 4e-3, "v_reset": -0.5}, 30.0),
}


def _coupling(strength: float) -> torch.Tensor:
    return strength * torch.randn(5, 5, generator=torch.Generator().manual_seed(6)) / 5**0.5


def _theirs(given: Inputs, options: dict[str, float], strength: float, rho: float | None = None) -> Traces:
    import norse.torch as norse

    w = torch.nn.Parameter(given["w"].clone())
    coupling = _coupling(strength).requires_grad_()
    p, kind = parameters(**options), norse.LIFMCRecurrentCell
    if rho is not None:
        p, kind = norse.LIFRefracParameters(p, torch.as_tensor(rho)), norse.LIFMCRefracRecurrentCell
    built = kind(5, 5, p, g_coupling=coupling, input_weights=torch.eye(5), recurrent_weights=w)

    def step(x, *state):
        out, after = built(x, state[-1] if state else None)
        inner = after if rho is None else after.lif
        return out, inner.v, inner.i, after

    traces = stepped(given, step, (), ["v", "i", ""], [("w", w), ("coupling", coupling)])
    return traces if rho is None else without("grad_x grad_w grad_coupling", traces)


def _mine(given: Inputs, options: dict[str, float], strength: float, refractory: bool = False) -> Traces:
    neuron = preset(NAME, coupling=_coupling(strength * (1e3 if refractory else 1)), shape=(5,), **options)
    traces = recurrent(given, neuron, FIELDS, partial(AllToAll, autapses=False))
    if refractory:
        return without("grad_x grad_w", traces)
    x = given["x"]
    from snnctl.networks import Recurrent

    layer = Recurrent(neuron, (5,), partial(AllToAll, autapses=False))
    with torch.no_grad():
        layer.feedback.weight.copy_(given["w"])
    (layer(x, dt=1e-3)[0] * given["g"]).sum().backward()
    return {**traces, "i": 0.8 * traces["i"], "grad_coupling": neuron.conductance.grad}


def _held(**options: float) -> dict:
    return {"couples": "along", "synapse": "next_step", "refractory_mode": "hold", "refractory": 5e-3, **options}


CASES = [
    Parity(
        "norse.torch.LIFMCRecurrentCell", f"Recurrent with neuron={NAME}", setting, fed_back,
        partial(_theirs, options=theirs, strength=strength), partial(_mine, options=own, strength=strength),
    )
    for setting, (theirs, own, strength) in SETTINGS.items()
] + [
    Parity(
        "norse.torch.LIFMCRefracRecurrentCell", f"Recurrent with neuron={NAME} neuron.couples=along ...", setting,
        fed_back, partial(_theirs, options=theirs, strength=0.02, rho=rho),
        partial(_mine, options=_held(**own), strength=0.02, refractory=True),
    )
    for setting, theirs, rho, own in (
        ("defaults", {}, 5.0, {}),
        ("rho_reset=2_v_th=0.5", {"v_th": 0.5}, 2.0, {"refractory": 2e-3, "threshold": 0.5}),
        ("tau_mem_inv=250", {"tau_mem_inv": 250.0}, 5.0, {"tau_mem": 4e-3}),
    )
]  # fmt: skip
