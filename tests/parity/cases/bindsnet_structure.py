"""BindsNET's local, sparse and mean-field connections, and its rule of one spike a step."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.networks import Local1d, Local2d, Local3d, MeanField, SparseLinear
from tests.parity.frameworks import bindsnet
from tests.parity.parity import Inputs, Parity, Traces

MAPS, FILTERS = 2, 3
SHAPES = {1: (MAPS, 7), 2: (MAPS, 5, 6), 3: (MAPS, 4, 5, 4)}
LOCAL = {1: Local1d, 2: Local2d, 3: Local3d}


def _spikes(shape: tuple[int, ...], outputs: int, batch: int = 2) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(len(shape))
        x = (torch.rand(batch, *shape, generator=draw) < 0.4).float()
        return {"x": x, "w": torch.rand(outputs, prod(shape), generator=draw)}

    return inputs


def _places(dims: int, kernel: int, stride: int) -> tuple[int, ...]:
    return tuple((side - kernel) // stride + 1 for side in SHAPES[dims][1:])


def _weights(given: Inputs, dims: int, kernel: int, stride: int) -> Tensor:
    """(C, F, places, K): the same numbers for both."""
    size = MAPS, FILTERS, prod(_places(dims, kernel, stride)), kernel**dims
    return torch.rand(size, generator=torch.Generator().manual_seed(prod(size)))


def _local(given: Inputs, dims: int, kernel: int, stride: int) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    source, target = nodes.Input(shape=SHAPES[dims]), nodes.LIFNodes(shape=(FILTERS, *_places(dims, kernel, stride)))
    built = getattr(topology, f"LocalConnection{dims}D")(source, target, kernel, stride, FILTERS)
    built.w.data.copy_(_weights(given, dims, kernel, stride).flatten(1, 2))
    return {"y": built.compute(given["x"])}


def _my_local(given: Inputs, dims: int, kernel: int, stride: int) -> Traces:
    layer = LOCAL[dims](SHAPES[dims], FILTERS, kernel, stride, bias=False)
    w = _weights(given, dims, kernel, stride)
    layer.weight.data.copy_(w.permute(2, 0, 3, 1).flatten(1, 2))
    return {"y": layer(given["x"])}


def _flat_local(given: Inputs, kernel: int, stride: int) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    places = ((6 - kernel) // stride + 1) ** 2
    built = topology.LocalConnection(nodes.Input(n=36), nodes.LIFNodes(n=FILTERS * places), kernel, stride, FILTERS,
                                     input_shape=(6, 6))  # fmt: skip
    w = torch.rand(places, kernel**2, FILTERS, generator=torch.Generator().manual_seed(kernel))
    for f in range(FILTERS):
        for place in range(places):
            built.w.data[built.locations[:, place], f * places + place] = w[place, :, f]
    return {"y": built.compute(given["x"].flatten(1)).view(1, FILTERS, -1), "w": w}


def _my_flat_local(given: Inputs, kernel: int, stride: int) -> Traces:
    layer = Local2d((1, 6, 6), FILTERS, kernel, stride, bias=False)
    w = torch.rand(*layer.weight.shape, generator=torch.Generator().manual_seed(kernel))
    layer.weight.data.copy_(w)
    return {"y": layer(given["x"]).flatten(2), "w": w}


def _sparse(given: Inputs, density: float) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    w = given["w"] * (given["w"] < density)
    built = topology.SparseConnection(nodes.Input(n=w.shape[1]), nodes.LIFNodes(n=len(w)), w=w.T.contiguous())
    return {"y": built.compute(given["x"])}


def _my_sparse(given: Inputs, density: float) -> Traces:
    layer = SparseLinear(given["w"].shape[1], len(given["w"]), density, bias=False)
    layer.mask.copy_(given["w"] < density)
    layer.weight.data.copy_(given["w"])
    return {"y": layer(given["x"])}


def _mean_field(given: Inputs, **options: Any) -> Traces:
    nodes, topology = bindsnet("network.nodes"), bindsnet("network.topology")
    wide = {name: torch.tensor(value) for name, value in {"wmin": -1e9, "wmax": 1e9}.items()}
    built = topology.MeanFieldConnection(nodes.Input(n=9), nodes.LIFNodes(n=4), **wide, **options)
    return {"y": built.compute(given["x"]).expand(4)}


def _my_mean_field(given: Inputs, w: Tensor) -> Traces:
    layer = MeanField(4, shared=w.numel() == 1)
    nn.init.zeros_(layer.weight).data += w
    return {"y": layer(given["x"])[0]}


def _local_case(dims: int, kernel: int, stride: int) -> Parity:
    return Parity(
        f"bindsnet.network.topology.LocalConnection{dims}D", f"snnctl.networks.Local{dims}d",
        f"kernel_size={kernel}_stride={stride}", _spikes(SHAPES[dims], 1),
        lambda given: _local(given, dims, kernel, stride), lambda given: _my_local(given, dims, kernel, stride),
    )  # fmt: skip


def _flat_case(kernel: int, stride: int) -> Parity:
    # theirs counts columns of a field by the height of the map, so maps must be square, and it takes one sample
    return Parity(
        "bindsnet.network.topology.LocalConnection", "snnctl.networks.Local2d", f"kernel_size={kernel}_stride={stride}",
        _spikes((1, 6, 6), 1, batch=1), lambda given: _flat_local(given, kernel, stride),
        lambda given: _my_flat_local(given, kernel, stride),
    )  # fmt: skip


def _sparse_case(density: float) -> Parity:
    return Parity(
        "bindsnet.network.topology.SparseConnection", "snnctl.networks.SparseLinear", f"density={density}",
        _spikes((12,), 5), lambda given: _sparse(given, density), lambda given: _my_sparse(given, density),
    )  # fmt: skip


def _mean_field_case(setting: str, w: list[float]) -> Parity:
    # theirs takes the mean over the samples of a batch too: one sample
    return Parity(
        "bindsnet.network.topology.MeanFieldConnection", "snnctl.networks.MeanField", setting, _spikes((9,), 1, 1),
        lambda given: _mean_field(given, w=torch.tensor(w)), lambda given: _my_mean_field(given, torch.tensor(w)),
    )  # fmt: skip


CASES = [
    *(_local_case(dims, kernel, stride) for dims in SHAPES for kernel, stride in ((2, 1), (3, 1), (2, 2))),
    *(_flat_case(kernel, stride) for kernel, stride in ((2, 2), (3, 1), (4, 2))),
    *(_sparse_case(density) for density in (0.1, 0.5, 1.0)),
    _mean_field_case("w=0.7", [0.7]),
    _mean_field_case("w=-2", [-2.0]),
    _mean_field_case("one_w_a_neuron", [0.5, -1.0, 2.0, 0.0]),
]
