"""Norse's integrate-and-fire and leaky integrate-and-fire neurons without a synapse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.parity.drive import currents, stepped, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine

Given = Callable[[], Inputs]


def cell(built: Any, names: list[str], given: Inputs) -> Traces:
    """A cell of Norse, one step after the other: its states by name, in the order of its state tuple."""
    kind = type(built.initial_state(given["x"][0]))

    def step(x, *state):
        out, after = built(x, kind(*state) if state else None)
        return (out, *after)

    return stepped(given, step, (), names)


def sequence(built: Any, names: list[str], given: Inputs) -> Traces:
    """A module of Norse that runs over time, built with record_states."""
    x = given["x"].clone().requires_grad_()
    out, states = built(x)
    return {**with_gradients(out, x, given, []), **{name: getattr(states, name) for name in names}}


def _iaf(given: Inputs, kind: str = "IAFCell", **options: float) -> Traces:
    import norse.torch as norse

    p = norse.functional.iaf.IAFParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    return cell(getattr(norse, kind)(p), ["v"], given)


def _iaf_layer(given: Inputs, **options: float) -> Traces:
    import norse.torch as norse

    p = norse.functional.iaf.IAFParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    x = given["x"].clone().requires_grad_()
    return with_gradients(norse.IAF(p)(x)[0], x, given, [])


def _box(given: Inputs, subtract: bool = False, **options: float) -> Traces:
    import norse.torch as norse

    p = norse.LIFBoxParameters(**{n: torch.as_tensor(v) for n, v in options.items()})
    return cell(norse.LIFBoxCell(p._replace(reset_method=norse.reset_subtract) if subtract else p), ["v"], given)


def _case(
    api: str, name: str, setting: str, inputs: Given, theirs, options: dict, fields: dict | None = None
) -> Parity:
    return Parity(f"norse.torch.{api}", f"neuron={name}", setting, inputs, theirs, mine(name, fields, **options))


IAF, BOX = "if/norse", "lif/norse"
CASES = [
    _case("IAFCell", IAF, "defaults", currents(), _iaf, {}),
    _case(
        "IAFCell", IAF, "v_th=0.5", currents(), lambda given: _iaf(given, v_th=0.5), {"threshold": 0.5},
    ),
    _case(
        "IAFCell", IAF, "v_reset=-0.5", currents(), lambda given: _iaf(given, v_reset=-0.5), {"v_reset": -0.5},
    ),
    _case("IAF", IAF, "defaults", currents(), _iaf_layer, {}, {}),
    _case("IAF", IAF, "v_th=0.5", currents(), lambda given: _iaf_layer(given, v_th=0.5), {"threshold": 0.5}, {}),
    _case("IAF", IAF, "v_reset=-0.5", currents(), lambda given: _iaf_layer(given, v_reset=-0.5), {"v_reset": -0.5}, {}),
    _case("LIFBoxCell", BOX, "defaults", currents(scale=3, offset=1), _box, {}),
    _case(
        "LIFBoxCell", BOX, "v_th=0.1_reset_subtract", currents(),
        lambda given: _box(given, subtract=True, v_th=0.1), {"threshold": 0.1, "reset": "subtract"},
    ),
    _case(
        "LIFBoxCell", BOX, "tau_mem_inv=300_v_leak=-0.2_v_reset=-0.5", currents(scale=2),
        lambda given: _box(given, tau_mem_inv=300.0, v_leak=-0.2, v_reset=-0.5),
        {"tau_mem": 1 / 300, "v_rest": -0.2, "v_reset": -0.5},
    ),
]  # fmt: skip
