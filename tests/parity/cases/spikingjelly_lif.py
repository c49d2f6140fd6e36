"""SpikingJelly's leaky integrate-and-fire nodes."""

from __future__ import annotations

from typing import Any

import torch

from tests.parity.drive import currents, with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine


def node(given: Inputs, built: Any, states: tuple[str, ...] = ("v",)) -> Traces:
    """A node of SpikingJelly, one step after the other: spikes, gradient and states, named as its attributes."""
    x = given["x"].clone().requires_grad_()
    outs: list = []
    traces: dict[str, list] = {name: [] for name in states}
    for x_t in x:
        outs.append(built(x_t))
        for name in states:
            traces[name].append(getattr(built, name))
    return {
        **with_gradients(torch.stack(outs), x, given, []),
        **{name: torch.stack(steps) for name, steps in traces.items()},
    }


def _theirs(given: Inputs, kind: str, **options: Any) -> Traces:
    from spikingjelly.activation_based import neuron

    if kind == "SimpleLIFNode":
        options = {"tau": 2.0, "decay_input": True, **options}
    return node(given, getattr(neuron, kind)(**options))


def _over_time(given: Inputs) -> Traces:
    from spikingjelly.activation_based import neuron

    built = neuron.LIFNode(step_mode="m", store_v_seq=True)
    x = given["x"].clone().requires_grad_()
    return {**with_gradients(built(x), x, given, []), "v": built.v_seq}


def _case(kind: str, setting: str, theirs: dict, options: dict, scale: float = 1.2) -> Parity:
    return Parity(
        f"spikingjelly.activation_based.neuron.{kind}", "neuron=lif/spikingjelly", setting, currents(scale, scale / 2),
        lambda given: _theirs(given, kind, **theirs), mine("lif/spikingjelly", **{"tau_mem": 2e-3, **options}),
    )  # fmt: skip


CASES = [
    case
    for kind in ("LIFNode", "SimpleLIFNode")
    for case in (
        _case(kind, "tau=2", {}, {}, 2.0),
        _case(kind, "decay_input=False_detach_reset", {"decay_input": False, "detach_reset": True},
              {"input_gain": 1.0, "detach_reset": True}),
        _case(kind, "tau=5_v_threshold=0.5", {"tau": 5.0, "v_threshold": 0.5},
              {"tau_mem": 5e-3, "threshold": 0.5}, 2.0),
    )
] + [
    # SimpleLIFNode starts at 0 whatever its v_reset
    _case("LIFNode", "v_reset=0.1", {"v_reset": 0.1}, {"v_reset": 0.1, "v_rest": 0.1}, 2.0),
    _case("LIFNode", "v_reset=None", {"v_reset": None}, {"reset": "subtract"}, 2.0),
    Parity("spikingjelly.activation_based.neuron.LIFNode", "neuron=lif/spikingjelly", "step_mode=m",
           currents(2.0, 1.0), _over_time, mine("lif/spikingjelly", tau_mem=2e-3)),
]  # fmt: skip
