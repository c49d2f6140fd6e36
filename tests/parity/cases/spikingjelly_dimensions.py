"""SpikingJelly's attention over time, channels and space."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.networks import MultiDimensionalAttention
from tests.parity.cases.spikingjelly_structure import renamed
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces

STEPS, MODULE = 12, "spikingjelly.activation_based.layer"


def _inputs(*shape: int) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(len(shape))
        x = torch.randn(STEPS, 2, *shape, generator=draw)
        return {"x": x, "g": torch.randn(x.shape, generator=draw)}

    return inputs


def _filled(module: nn.Module) -> list[Tensor]:
    """The weights, the same in both: in the order time, channel, space."""
    draw = torch.Generator().manual_seed(1)
    for p in module.parameters():
        p.data.copy_(torch.randn(p.shape.numel(), generator=draw).view(p.shape))
    return list(module.parameters())


def _traces(given: Inputs, run: Callable[[Tensor], Tensor], parameters: list[Tensor]) -> Traces:
    x = given["x"].clone().requires_grad_()
    traces = with_gradients(run(x), x, given, [(f"w{n}", p) for n, p in enumerate(parameters)])
    return renamed({n: t.flatten() if n.startswith("grad_w") else t for n, t in traces.items()}, "y")


def _theirs(given: Inputs, api: str, **options: Any) -> Traces:
    from spikingjelly.activation_based import layer

    built = getattr(layer, api)(T=STEPS, **options)
    return _traces(given, built, _filled(built))


def _mine(given: Inputs, **options: Any) -> Traces:
    built = MultiDimensionalAttention(steps=STEPS, shape=tuple(given["x"].shape[2:]), **options)
    return _traces(given, lambda x: built(x, dt=1e-3)[0], _filled(built))


def _case(api: str, setting: str, shape: tuple[int, ...], theirs: dict, mine: dict) -> Parity:
    return Parity(
        f"{MODULE}.{api}", "snnctl.networks.MultiDimensionalAttention", setting, _inputs(*shape),
        partial(_theirs, api=api, **theirs), partial(_mine, **mine),
    )  # fmt: skip


TIME = {"axes": ["time"], "rectify": False}
BOTH = {"reduction_t": 4, "reduction_c": 4}
CASES = [
    _case("TemporalWiseAttention", "reduction=4", (3, 4, 5), {"reduction": 4}, {**TIME, "reduction": 4}),
    _case("TemporalWiseAttention", "reduction=3", (3, 4, 5), {"reduction": 3}, {**TIME, "reduction": 3}),
    _case("TemporalWiseAttention", "reduction=6_dimension=2", (7,), {"reduction": 6, "dimension": 2},
          {**TIME, "reduction": 6}),
    _case("MultiDimensionalAttention", "defaults_but_reductions=4", (8, 5, 4), {"C": 8, **BOTH}, {}),
    _case("MultiDimensionalAttention", "kernel_size=7", (8, 5, 4), {"C": 8, **BOTH, "kernel_size": 7},
          {"kernel_size": 7}),
    _case("MultiDimensionalAttention", "use_temporal=False", (8, 5, 4), {"C": 8, **BOTH, "use_temporal": False},
          {"axes": ["channel", "space"]}),
    _case("MultiDimensionalAttention", "use_spatial=False", (8, 5, 4), {"C": 8, **BOTH, "use_spatial": False},
          {"axes": ["time", "channel"]}),
]  # fmt: skip
