"""BindsNET's learning rules on every connection that they know.

On maps of several channels its one- and three-dimensional convolutions and its local connections pair the wrong pixels
(they reshape without moving the channels), so those are compared on maps of one channel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from snnctl.plasticity import Hebbian, PairSTDP, PostSTDP, Rule
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.plastic_drive import layer_of, learned, spikes, stacked

RATES = (1e-2, 2e-2)  # at presynaptic and at postsynaptic spikes
SHARED = (1e-4, 2e-4)  # of kernels, which many places move: they must not end at their bounds
KINDS = {"Linear": "Connection", **{f"Conv{d}d": f"Conv{d}dConnection" for d in (1, 2, 3)},
         **{f"Local{d}d": f"LocalConnection{d}D" for d in (1, 2, 3)}}  # fmt: skip


def _rates(kind: str) -> tuple[float, float]:
    return SHARED if kind.startswith("Conv") else RATES


def _to_theirs(kind: str, w: Tensor) -> Tensor:
    if kind == "Linear":
        return w.T.clone()
    return w.permute(2, 0, 1).flatten(0, 1)[None].clone() if kind.startswith("Local") else w.clone()


def _to_mine(kind: str, theirs: Tensor, shape: torch.Size) -> Tensor:
    if kind == "Linear":
        return theirs.T.clone()
    if kind.startswith("Local"):
        places, fields, maps = shape
        return theirs.view(maps, places, fields).permute(1, 2, 0).clone()
    return theirs.clone()


def _theirs(given: Inputs, rule: str, kind: str, traces_additive: bool, options: dict, **more: Any) -> Traces:
    nodes, topology, learning = (bindsnet(m) for m in ("network.nodes", "network.topology", "learning.learning"))
    bindsnet("learning.reward")
    learning_package = __import__("sys").modules["bindsnet.learning"]
    learning_package.NoOp = learning.NoOp  # which their connections import by name
    traces = {"traces": True, "traces_additive": traces_additive}
    shapes = [tuple(given[side].shape[2:]) for side in ("pre", "post")]
    source, target = nodes.Input(shape=shapes[0], **traces), nodes.LIFNodes(shape=shapes[1], **traces)
    batch = given["pre"].shape[1]
    for layer in (source, target):
        layer.compute_decays(1.0)
        layer.set_batch_size(batch)
    size = {"wmin": 0.0, "wmax": 1.0, "nu": _rates(kind), "reduction": torch.sum}
    own = {} if kind == "Linear" else {"kernel_size": 2, "stride": 1, **options}
    if kind.startswith("Local"):
        own["n_filters"] = shapes[1][0]
    connection = getattr(topology, KINDS[kind])(
        source, target, update_rule=getattr(learning, rule), **size, **own, **more
    )
    connection.w.data.copy_(_to_theirs(kind, given["w"]))
    connection.dt = torch.tensor(1.0)
    found = []
    for pre, post in zip(given["pre"], given["post"], strict=True):
        for layer, s in ((source, pre), (target, post)):
            layer.s = s.bool()
            nodes.Nodes.forward(layer, s)
        connection.update_rule.update()
        found.append(_to_mine(kind, connection.w.detach(), given["w"].shape))
    return stacked(found)


def _case(theirs: str, ours: str, rule: type[Rule], kind: str, additive: bool = False, setting: str = "",
          options: dict | None = None, more: dict | None = None, **own: Any) -> Parity:  # fmt: skip
    options = options or {}
    made = layer_of(kind, 2 if kind == "Conv2d" else 1, **options)
    mine = rule(low=0.0, high=1.0, spikes="all" if additive else "nearest", **own)
    said = "_".join(filter(None, [kind, "traces_additive" if additive else "", setting]))
    return Parity(
        f"bindsnet.learning.learning.{theirs}", ours, said, spikes(made),
        lambda given: _theirs(given, theirs, kind, additive, options, **(more or {})),
        lambda given: learned(given, made[0], mine),
    )  # fmt: skip


def _pair(kind: str) -> dict[str, float]:
    return dict(zip(("eta_minus", "eta_plus"), _rates(kind), strict=True))


def _hebb(kind: str) -> dict[str, float]:
    return dict(zip(("eta_pre", "eta_post"), _rates(kind), strict=True))


CASES = [
    *(_case("PostPre", "plasticity=pair", PairSTDP, kind, **_pair(kind)) for kind in KINDS),
    *(_case("WeightDependentPostPre", "plasticity=weight_dependent", PairSTDP, kind, dependence="multiplicative",
            **_pair(kind)) for kind in KINDS),
    *(_case("Hebbian", "plasticity=hebbian", Hebbian, kind, **_hebb(kind)) for kind in KINDS),
    _case("PostPre", "plasticity=pair plasticity.spikes=all", PairSTDP, "Linear", additive=True, **_pair("Linear")),
    _case("PostPre", "plasticity=pair", PairSTDP, "Conv2d", setting="stride=2_padding=1",
          options={"stride": 2, "padding": 1}, **_pair("Conv2d")),
    _case("DiehlAndCook", "plasticity=diehl_cook", PostSTDP, "Linear", additive=True, eta=RATES[1], mu=1.0),
    _case("DiehlAndCook", "plasticity=diehl_cook", PostSTDP, "Linear", additive=True, setting="x_tar=0.4_mu=0.5",
          more={"x_tar": 0.4, "mu": 0.5}, eta=RATES[1], target=0.4, mu=0.5),
]  # fmt: skip
