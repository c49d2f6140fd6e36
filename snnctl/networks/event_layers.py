"""The first layers of a network on a list of events: flattening and a linear layer need no frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from snnctl.kernels.events import event_linear, pays
from snnctl.networks.hooks import unhooked

if TYPE_CHECKING:
    from snnctl.datasets.batch import EventList


def takes_events(layer: nn.Module, x: EventList) -> bool:
    """Whether a layer runs on the list as it is, and no slower than on frames.

    That is torch's Flatten and, on a flat input, torch's Linear in float32 on the CPU with few enough events. A layer
    with hooks does not: what they are called with stays a tensor.
    """
    if type(layer) is nn.Flatten:
        return (layer.start_dim, layer.end_dim) == (1, -1) and unhooked(layer)
    if type(layer) is not nn.Linear or len(x.size) != 1 or x.size[0] != layer.in_features:
        return False
    return x.device.type == "cpu" and pays(len(x.codes), x.steps * x.batch, layer.weight) and unhooked(layer)


def over_events(layer: nn.Module, x: EventList) -> EventList | Tensor:
    """Apply a layer that takes events to every step.

    Args:
        layer: Flatten or Linear.
        x: stands for (T, B, *shape).

    Returns:
        The same events of (T, B, K) after a Flatten; (T, B, N) float32 after a Linear.
    """
    if isinstance(layer, nn.Flatten):
        return x._replace(size=(math.prod(x.size),))
    return event_linear(x.codes, x.offsets, layer.weight, layer.bias).view(x.steps, x.batch, -1)
