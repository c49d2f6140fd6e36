"""BindsNET's limits on the weights of a connection."""

from __future__ import annotations

from typing import Any

import torch

from snnctl.losses.parameters import limited
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces


def weights() -> Inputs:
    """w (4, 6): 6 inputs into 4 neurons, one of them without weights."""
    w = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    w[2] = 0
    return {"w": w}


def _theirs(given: Inputs, **options: Any) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    source, target = nodes.Input(6), nodes.LIFNodes(4)
    connection = topology.Connection(source, target, w=given["w"].T.clone(), **options)
    connection.normalize()
    return {"w": connection.w.detach().T.clone()}


def _case(setting: str, theirs: dict[str, float], mine: dict[str, float]) -> Parity:
    what = "normalize" if "norm" in theirs else "wmin_wmax"
    return Parity(
        f"bindsnet.network.topology.Connection.{what}", "callbacks=weight_limits", setting, weights,
        lambda given: _theirs(given, **theirs), lambda given: {"w": limited(given["w"], **mine)},
    )  # fmt: skip


CASES = [
    _case("norm=78.4", {"norm": 78.4}, {"norm": 78.4}),
    _case("wmin,wmax", {"wmin": -0.5, "wmax": 0.7}, {"low": -0.5, "high": 0.7}),
    _case("wmin=0", {"wmin": 0.0}, {"low": 0.0}),
]
