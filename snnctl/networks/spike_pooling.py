"""Maximum pooling of spikes by which neuron of a window fires most."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from snnctl.neurons.temporal import Temporal


class SpikeMaxPool2dState(NamedTuple):
    """Between two steps."""

    count: Tensor  # spikes so far (B, C, H, W)


class SpikeMaxPool2d(Temporal):
    """Maximum pooling of spikes: a window passes on the spikes of the neuron that has fired most so far,

        n[t] = n[t-1] + s[t]
        y[t] = max over the window of s[t],   if the largest n[t] in it is that of a neuron that fires at t;  else 0

    Unlike a maximum of the spikes themselves, a window never fires more often than its most active neuron.

    Args:
        kernel_size: side of the window, pixels; or (height, width).
        stride: step of the window; None: the window's side.
        padding: pixels of silence around the map; or (height, width).

    Source: B. Rueckauer et al., "Conversion of continuous-valued deep networks to efficient event-driven networks for
    image classification", Frontiers in Neuroscience 11 (2017), doi:10.3389/fnins.2017.00682, section 2.4.4.
    """

    why = "counts of a window decide"
    State = SpikeMaxPool2dState

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.kernel_size = kernel_size if isinstance(kernel_size, int) else tuple(kernel_size)
        self.stride = self.kernel_size if stride is None else stride if isinstance(stride, int) else tuple(stride)
        self.padding = (padding, padding) if isinstance(padding, int) else tuple(padding)

    def run(
        self, x: Tensor, state: SpikeMaxPool2dState | None, dt: float
    ) -> tuple[Tensor, SpikeMaxPool2dState, dict[str, Tensor]]:
        if x.dim() != 5:
            raise self.wrong(f"input of shape {tuple(x.shape)}", "wanted         (T, B, C, H, W)")
        count = x.detach().cumsum(0)  # which neuron fires most has no gradient
        count = count if state is None else count + state.count
        largest, firing = self._pooled(count), self._pooled(count * (x > 0))
        return self._pooled(x) * (firing >= largest), SpikeMaxPool2dState(count[-1]), {"count": count}

    def _pooled(self, x: Tensor) -> Tensor:
        high, wide = self.padding
        padded = F.pad(x.flatten(0, 1), (wide, wide, high, high)) if high or wide else x.flatten(0, 1)
        return F.max_pool2d(padded, self.kernel_size, self.stride).unflatten(0, x.shape[:2])

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
