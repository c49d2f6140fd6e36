"""SpikingJelly's EIFNode. Its v starts at v_reset, where ours is told to."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.parity.cases.spikingjelly_lif import node
from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

SUBTRACT = {"reset": "subtract", "v_reset": 0.0, "v_start": 0.0}


def nonlinear(given: Inputs, kind: str, over_time: bool = False, states: tuple[str, ...] = ("v",), **options: Any):
    """One of SpikingJelly's nonlinear nodes, step by step, or over time with its stored potentials."""
    from spikingjelly.activation_based import neuron

    if not over_time:
        return node(given, getattr(neuron, kind)(**options), states)
    built = getattr(neuron, kind)(step_mode="m", store_v_seq=True, **options)
    x = given["x"].clone().requires_grad_()
    return {**with_gradients(built(x), x, given, []), "v": built.v_seq}


def case(kind: str, name: str, setting: str, theirs: dict, options: dict, scale: float = 1.0, fields=None) -> Parity:
    """One setting of a node beside its preset; fields: trace name -> state field of ours."""
    fields = {"v": "v"} if fields is None else fields
    return Parity(
        f"spikingjelly.activation_based.neuron.{kind}", f"neuron={name}", setting, currents(scale, scale / 2),
        partial(_run, kind=kind, states=tuple(fields), **theirs), mine(name, fields, **options),
    )  # fmt: skip


def _run(given: Inputs, **options: Any) -> Traces:
    return nonlinear(given, **options)


CASES = [
    case("EIFNode", "eif/spikingjelly", "defaults", {}, {}),
    case("EIFNode", "eif/spikingjelly", "step_mode=m", {"over_time": True}, {}),
    case("EIFNode", "eif/spikingjelly", "tau=5_delta_T=0.3_theta_rh=0.9", {"tau": 5.0, "delta_T": 0.3, "theta_rh": 0.9},
         {"tau_mem": 5e-3, "delta": 0.3, "theta": 0.9}, 2.0),
    case("EIFNode", "eif/spikingjelly", "v_reset=None_detach_reset", {"v_reset": None, "detach_reset": True},
         {**SUBTRACT, "detach_reset": True}, 0.5),
]  # fmt: skip
