"""BindsNET's leaky integrate-and-fire nodes. They have no gradients, and no batch where the threshold adapts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.parity.drive import currents
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.preset import mine, without


def nodes(given: Inputs, kind: str, recorded: dict[str, str] | None = None, **options: Any) -> Traces:
    """Nodes of BindsNET, step by step at dt = 1 ms: spikes, and v or what is recorded (trace name -> attribute)."""
    built = getattr(bindsnet("network.nodes"), kind)(n=given["x"].shape[2], **options)
    built.compute_decays(1.0)
    built.set_batch_size(given["x"].shape[1])
    recorded = {"v": "v"} if recorded is None else recorded
    traces: dict[str, list] = {"spikes": [], **{name: [] for name in recorded}}
    for x in given["x"]:
        built.forward(x.clone())
        traces["spikes"].append(built.s.float().clone())
        for name, attribute in recorded.items():
            traces[name].append(getattr(built, attribute).clone())
    return {name: torch.stack(steps) for name, steps in traces.items()}


def case(
    kind: str,
    name: str,
    setting: str,
    theirs: dict,
    options: dict,
    inputs: Callable[[], Inputs],
    fields: dict | None = None,
) -> Parity:
    """One kind of nodes beside a preset; fields: trace name -> (their attribute, our state field)."""
    fields = {"v": ("v", "v")} if fields is None else fields
    recorded = {n: a for n, (a, _) in fields.items()}
    return Parity(
        f"bindsnet.network.nodes.{kind}", f"neuron={name}", setting, inputs,
        lambda given: nodes(given, kind, recorded, **theirs),
        lambda given: without("grad_x", mine(name, {n: f for n, (_, f) in fields.items()}, **options)(given)),
    )  # fmt: skip


DRIVE = currents(scale=7.0, offset=3.0)
BOOSTED = {"threshold": 13.0, "v_rest": 0.0, "v_reset": 0.0}
CASES = [
    case("LIFNodes", "lif/bindsnet", "defaults", {}, {}, DRIVE),
    case("LIFNodes", "lif/bindsnet", "refrac=2_tc_decay=20_lbound=-67",
         {"refrac": 2, "tc_decay": 20.0, "lbound": -67.0},
         {"refractory": 2e-3, "tau_mem": 20e-3, "v_min": -67.0}, DRIVE),
    case("LIFNodes", "lif/bindsnet", "rest=-60_reset=-63_thresh=-50",
         {"rest": -60.0, "reset": -63.0, "thresh": -50.0},
         {"v_rest": -60.0, "v_reset": -63.0, "threshold": -50.0}, DRIVE),
    case("BoostedLIFNodes", "lif/bindsnet", "defaults", {}, BOOSTED, DRIVE),
    case("BoostedLIFNodes", "lif/bindsnet", "thresh=8_refrac=1", {"thresh": 8.0, "refrac": 1},
         {**BOOSTED, "threshold": 8.0, "refractory": 1e-3}, DRIVE),
    case("BoostedLIFNodes", "lif/bindsnet", "tc_decay=10", {"tc_decay": 10.0}, {**BOOSTED, "tau_mem": 10e-3}, DRIVE),
]  # fmt: skip
