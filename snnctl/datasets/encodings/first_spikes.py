"""Only the first spike of each place counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from snnctl.datasets.encodings.direct import Direct
from snnctl.datasets.encodings.ranges import Generators


@dataclass(frozen=True)
class FirstSpikes:
    """Another encoding's first spike a place: x[t] = y[t] if y[u] = 0 at every u < t, else 0.

    Args:
        of: the encoding; the default takes values that are spikes already.

    Source: Van Rullen and Thorpe 2001, doi:10.1162/08997660152002852.
    """

    of: Callable[..., Tensor] = field(default=Direct())

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step after it."""
        return tuple(self.of.shape(shape)) if hasattr(self.of, "shape") else tuple(shape)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, *shape)."""
        spikes = self.of(values, steps, dt, rngs)
        fired = spikes != 0
        return spikes * (fired & (fired.cumsum(0) == 1)).to(spikes.dtype)
