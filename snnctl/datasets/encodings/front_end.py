"""Encodings in two stages: features of the values, then spikes of the features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from snnctl.datasets.encodings.direct import Direct
from snnctl.datasets.encodings.ranges import Generators


@dataclass(frozen=True, kw_only=True)
class FrontEnd(ABC):
    """x = then(features(v)): a subclass says what the features are, and what shape they have.

    Args:
        then: the encoding of the features; the default gives them as they are.
    """

    then: Callable[..., Tensor] = field(default=Direct())

    @abstractmethod
    def features(self, values: Tensor, dt: float) -> Tensor:
        """(L, B, *shape) -> (L, B, *features_shape(shape)), float32."""

    @abstractmethod
    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step of the features."""

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one step after it."""
        shape = self.features_shape(tuple(shape))
        return tuple(self.then.shape(shape)) if hasattr(self.then, "shape") else shape

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """(T, B, *shape)."""
        return self.then(self.features(values, dt), steps, dt, rngs)
