"""By the vote of several output neurons a class."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from snnctl.errors import UserError
from snnctl.metrics.decoders.counts import Count
from snnctl.metrics.decoders.decoder import Decoder, checked


@dataclass(frozen=True)
class Population(Decoder):
    """Each class has `neurons` neurons, one after the other: their outputs are added, another decoder reads the sums.

        pooled_c[t] = sum_{k < neurons} out_{c neurons + k}[t]

    Args:
        neurons: of a class, 1 and above.
        then: what reads (T, B, C).

    Raises:
        UserError: neurons is below 1; when called: their number is no multiple of it.
    """

    neurons: int = 10
    then: Decoder = field(default=Count())

    def __post_init__(self):
        if isinstance(self.neurons, bool) or not isinstance(self.neurons, int) or self.neurons < 1:
            raise UserError(f"decoder.neurons is {self.neurons!r}", "range          1 and above, neurons a class")

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C neurons), (B,) -> (B, C)."""
        if checked(self, out, length).shape[2] % self.neurons:
            raise UserError(
                f"Population: {out.shape[2]} output neurons, {self.neurons} a class",
                "expected       a multiple; set decoder.neurons",
            )
        return self.then.scores(out.unflatten(2, (-1, self.neurons)).sum(3), length)
