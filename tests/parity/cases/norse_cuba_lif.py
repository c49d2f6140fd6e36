"""Norse's leaky integrate-and-fire neurons behind a synaptic current, and with a refractory time."""

from __future__ import annotations

import torch

from tests.parity.cases.norse_lif import cell, sequence
from tests.parity.drive import currents, stepped
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

FIELDS = {"v": "v", "i": "i"}


def parameters(**options: float):
    """LIFParameters of Norse."""
    import norse.torch as norse

    return norse.LIFParameters(**{n: torch.as_tensor(v) for n, v in options.items()})


def _cell(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    return cell(norse.LIFCell(parameters(**options)), ["v", "i"], given)


def _layer(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    return sequence(norse.LIF(parameters(**options), record_states=True), ["v", "i"], given)


def _refractory(given: Inputs, rho_reset: float = 5.0, **options: float) -> Traces:
    import norse.torch as norse

    built = norse.LIFRefracCell(norse.LIFRefracParameters(parameters(**options), torch.as_tensor(rho_reset)))

    def step(x, *state):
        kind = type(built.initial_state(x))
        before = kind(norse.LIFFeedForwardState(state[0], state[1]), state[2]) if state else None
        out, after = built(x, before)
        return out, after.lif.v, after.lif.i, after.rho

    return stepped(given, step, (), ["v", "i", "rho"])


def decayed(traces: Traces, factor: float = 0.8) -> Traces:
    """Our traces with i as Norse stores it: decayed already for the next step."""
    return {**traces, "i": factor * traces["i"]}


def _case(api: str, setting: str, inputs, theirs, options: dict, preset: str = "cuba_lif/norse") -> Parity:
    fields = {**FIELDS, "rho": "refractory"} if "refrac" in preset else FIELDS
    factor = 1 - 1e-3 / options.get("tau_syn", 5e-3)
    return Parity(
        f"norse.torch.{api}", f"neuron={preset}", setting, inputs, theirs,
        lambda given: decayed(mine(preset, fields, **options)(given), factor),
    )  # fmt: skip


DRIVE = currents(scale=1.0, offset=0.4)
LOW = {"threshold": 0.3}
OTHER = {"tau_syn_inv": 500.0, "tau_mem_inv": 250.0, "v_leak": -0.1, "v_reset": -0.4, "v_th": 0.2}
OURS = {"tau_syn": 2e-3, "tau_mem": 4e-3, "v_rest": -0.1, "v_reset": -0.4, "threshold": 0.2}
CASES = [
    _case("LIFCell", "defaults", DRIVE, _cell, {}),
    _case("LIFCell", "v_th=0.3", DRIVE, lambda given: _cell(given, v_th=0.3), LOW),
    _case(
        "LIFCell", "taus_v_leak_v_reset", DRIVE,
        lambda given: _cell(given, **OTHER), OURS,
    ),
    _case("LIF", "defaults", DRIVE, _layer, {}),
    _case("LIF", "v_th=0.3", DRIVE, lambda given: _layer(given, v_th=0.3), LOW),
    _case("LIF", "taus_v_leak_v_reset", DRIVE, lambda given: _layer(given, **OTHER), OURS),
    _case("LIFRefracCell", "defaults", DRIVE, _refractory, {}, "cuba_lif/norse_refrac"),
    _case(
        "LIFRefracCell", "v_th=0.3", DRIVE, lambda given: _refractory(given, v_th=0.3), LOW, "cuba_lif/norse_refrac"
    ),
    _case(
        "LIFRefracCell", "rho_reset=2_v_th=0.3", DRIVE, lambda given: _refractory(given, 2.0, v_th=0.3),
        {**LOW, "refractory": 2e-3}, "cuba_lif/norse_refrac",
    ),
]  # fmt: skip
