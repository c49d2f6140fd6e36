"""Sinabs' pooling, cropping and merging of spikes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.networks import ChannelShift, Crop2d, SpikeMaxPool2d, SumPool2d
from tests.parity.parity import Inputs, Parity, Traces

STEPS = 20


def _spikes() -> Inputs:
    """x: spikes (T, C, H, W) of one sample, as Sinabs pools them; g: gradient, broadcast against any output."""
    draw = torch.Generator().manual_seed(4)
    chance = torch.rand(2, 5, 4, generator=draw)
    x = (torch.rand(STEPS, 2, 5, 4, generator=draw) < chance).float()
    return {"x": x, "g": torch.randn(STEPS, 1, 1, 1, generator=draw)}


def _traces(given: Inputs, run: Callable[[Tensor], Tensor]) -> Traces:
    x = given["x"].clone().requires_grad_()
    y = run(x)
    (grad,) = torch.autograd.grad((y * given["g"]).sum(), x)
    return {"spikes": y.detach(), "grad_x": grad}


def _theirs(api: str, *args: Any, **options: Any) -> Callable[[Inputs], Traces]:
    def run(given: Inputs) -> Traces:
        from sinabs import layers

        return _traces(given, getattr(layers, api)(*args, **options))

    return run


def _mine(make: Callable[[], nn.Module]) -> Callable[[Inputs], Traces]:
    def run(given: Inputs) -> Traces:
        layer = make()
        if getattr(layer, "temporal", False):
            return _traces(given, lambda x: layer(x[:, None], None, dt=1e-3)[0][:, 0])
        return _traces(given, layer)

    return run


def _merge(given: Inputs) -> Traces:
    from sinabs.layers import Merge

    return _traces(given, lambda x: Merge()(x, x.flip(0)))


def _case(api: str, ours: str, setting: str, theirs: Any, mine: Any) -> Parity:
    return Parity(f"sinabs.layers.{api}", f"snnctl.networks.{ours}", setting, _spikes, theirs, mine)


def _pool(setting: str, theirs: dict, mine: dict) -> Parity:
    return _case("SpikingMaxPooling2dLayer", "SpikeMaxPool2d", setting,
                 _theirs("SpikingMaxPooling2dLayer", **theirs), _mine(lambda: SpikeMaxPool2d(**mine)))  # fmt: skip


def _counts() -> Inputs:
    """Spikes and something everywhere: a window without any has no gradient in theirs (a norm of order 1 at 0)."""
    given = _spikes()
    return {**given, "x": given["x"] + 0.5}


def _sum(setting: str, options: dict) -> Parity:
    theirs, mine = _theirs("SumPool2d", **options), _mine(lambda: SumPool2d(**options))
    return Parity("sinabs.layers.SumPool2d", "snnctl.networks.SumPool2d", setting, _counts, theirs, mine)


def _crop(setting: str, theirs: tuple, mine: dict) -> Parity:
    return _case("Cropping2dLayer", "Crop2d", setting, _theirs("Cropping2dLayer", *theirs),
                 _mine(lambda: Crop2d(**mine)))  # fmt: skip


def _shift(setting: str, theirs: dict, mine: dict) -> Parity:
    return _case("ChannelShift", "ChannelShift", setting, _theirs("ChannelShift", **theirs),
                 _mine(lambda: ChannelShift(**mine)))  # fmt: skip


CASES = [
    _pool("pool_size=2", {"pool_size": (2, 2)}, {"kernel_size": 2}),
    _pool("strides=1", {"pool_size": (2, 3), "strides": (1, 1)}, {"kernel_size": (2, 3), "stride": 1}),
    _pool("padding=1", {"pool_size": (3, 3), "strides": (2, 2), "padding": (1, 1, 1, 1)},
          {"kernel_size": 3, "stride": 2, "padding": 1}),
    _sum("kernel_size=2", {"kernel_size": 2}),
    _sum("kernel_size=3_stride=1", {"kernel_size": 3, "stride": 1}),
    _sum("kernel_size=2x3", {"kernel_size": (2, 3)}),
    _crop("defaults", (), {}),
    _crop("rows_1_0_columns_0_2", (((1, 0), (0, 2)),), {"rows": (1, 0), "columns": (0, 2)}),
    _crop("rows_1_2_columns_1_1", (((1, 2), (1, 1)),), {"rows": (1, 2), "columns": (1, 1)}),
    _shift("defaults", {}, {}),
    _shift("channel_shift=1", {"channel_shift": 1}, {"shift": 1}),
    _shift("channel_shift=3", {"channel_shift": 3}, {"shift": 3}),
    # a Residual adds its branches; Sinabs also pads branches of different sizes, which ours refuses
    _case("Merge", "Residual", "defaults", _merge, lambda given: _traces(given, lambda x: x + x.flip(0))),
]  # fmt: skip
