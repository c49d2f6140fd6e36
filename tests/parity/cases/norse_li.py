"""Norse's leaky integrators, which do not spike."""

from __future__ import annotations

from functools import partial

import torch

from tests.parity.cases.norse_cuba_lif import decayed
from tests.parity.cases.norse_lif import cell, sequence
from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, silent


def _parameters(**options: float):
    import norse.torch as norse

    return norse.LIParameters(**{n: torch.as_tensor(v) for n, v in options.items()})


def _cell(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    return silent(cell(norse.LICell(_parameters(**options)), ["v", "i"], given))


def _layer(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    return silent(sequence(norse.LI(_parameters(**options), record_states=True), ["v", "i"], given))


def _box(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    p = norse.functional.leaky_integrator_box.LIBoxParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    return silent(cell(norse.LIBoxCell(p), ["v"], given))


def _weights() -> torch.Tensor:
    return torch.randn(5, 5, generator=torch.Generator().manual_seed(1))


def _linear(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    built = norse.LILinearCell(5, 5, _parameters(**options))
    built.input_weights.data.copy_(_weights())

    def step(x, *state):
        out, after = built(x, norse.LIState(*state) if state else None)
        return (out, *after)

    return silent(stepped(given, step, (), ["v", "i"], [("w", built.input_weights)]))


def _linear_mine(given: Inputs, **options: float) -> Traces:
    layer = torch.nn.Linear(5, 5, bias=False)
    layer.weight.data.copy_(_weights())
    x = given["x"].clone().requires_grad_()
    after = layer(x)
    with torch.enable_grad():
        factor = 1 - 1e-3 / options.get("tau_syn", 5e-3)
        traces = decayed(mine("li/norse", {"v": "v", "i": "i"}, **options)({**given, "x": after.detach()}), factor)
        grad_x, grad_w = torch.autograd.grad(after, [x, layer.weight], traces["grad_x"])
    return silent({**traces, "grad_x": grad_x, "grad_w": grad_w})


def _case(api: str, setting: str, theirs, options: dict, synapse: bool = True) -> Parity:
    def run(given: Inputs) -> Traces:
        traces = mine("li/norse", {"v": "v", **({"i": "i"} if synapse else {})}, **options)(given)
        return silent(decayed(traces, 1 - 1e-3 / options.get("tau_syn", 5e-3)) if synapse else traces)

    return Parity(f"norse.torch.{api}", "neuron=li/norse", setting, currents(), theirs, run)


OTHER = {"tau_mem_inv": 250.0, "v_leak": -0.3}
FAST = {"tau_syn": 2e-3, "tau_mem": 4e-3, "v_rest": -0.3}
CASES = [
    _case("LICell", "defaults", _cell, {}),
    _case("LICell", "v_leak=0.5", lambda given: _cell(given, v_leak=0.5), {"v_rest": 0.5}),
    _case(
        "LICell", "tau_syn_inv=500_tau_mem_inv=250", lambda given: _cell(given, tau_syn_inv=500.0, **OTHER),
        FAST,
    ),
    _case("LI", "defaults", _layer, {}),
    _case("LI", "v_leak=0.5", lambda given: _layer(given, v_leak=0.5), {"v_rest": 0.5}),
    _case("LI", "tau_syn_inv=500_tau_mem_inv=250", lambda given: _layer(given, tau_syn_inv=500.0, **OTHER), FAST),
    _case("LIBoxCell", "defaults", _box, {"tau_syn": None}, synapse=False),
    _case(
        "LIBoxCell", "tau_mem_inv=250_v_leak=-0.3", lambda given: _box(given, **OTHER),
        {"tau_syn": None, "tau_mem": 4e-3, "v_rest": -0.3}, synapse=False,
    ),
    _case("LIBoxCell", "v_leak=0.5", lambda given: _box(given, v_leak=0.5), {"tau_syn": None, "v_rest": 0.5}, False),
    *(
        Parity("norse.torch.LILinearCell", "neuron=li/norse", setting, currents(), partial(_linear, **theirs),
               partial(_linear_mine, **options))
        for setting, theirs, options in (
            ("defaults", {}, {}),
            ("v_leak=0.5", {"v_leak": 0.5}, {"v_rest": 0.5}),
            ("tau_syn_inv=500_tau_mem_inv=250", {"tau_syn_inv": 500.0, **OTHER}, FAST),
        )
    ),
]  # fmt: skip
