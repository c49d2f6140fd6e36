"""A spike that is its own smooth primitive, for gradient checks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from snnctl.surrogates import Surrogate


@dataclass(frozen=True)
class Smooth(Surrogate):
    """The surrogate's primitive in place of the spike: then the surrogate gradient is the gradient."""

    of: Surrogate

    def __post_init__(self) -> None: ...

    def __call__(self, x: Tensor, strict: bool = False) -> Tensor:
        return self.of.primitive(x)

    def derivative(self, x: Tensor) -> Tensor:
        return self.of.derivative(x)

    def primitive(self, x: Tensor) -> Tensor:
        return self.of.primitive(x)
