"""How a neuron fires whose reset is its own: threshold, rule and surrogate, written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.quantity import POTENTIAL, Kind, Value, one_of
from snnctl.neurons.spiking import DEFAULT_SURROGATE, Fire
from snnctl.surrogates import Surrogate


class Threshold(Neuron):
    """Fires where a potential reaches threshold, s = 1 if v >= threshold; what a spike then does is the subclass's.

    Args:
        values: name -> (value, Kind) of the subclass's own parameters.
        threshold: unit of v, above 0.
        fire: "ge" fires at v >= threshold, "gt" at v > threshold.
        surrogate: the gradient of a spike.
        conventions: learnable, per, shape, backend of `Neuron`.

    Raises:
        UserError: a value out of range or an unknown option.
    """

    spiking = True

    def __init__(
        self,
        values: Mapping[str, tuple[Value, Kind]] | None = None,
        /,
        *,
        threshold: Value = 1.0,
        fire: Fire = "ge",
        surrogate: Surrogate = DEFAULT_SURROGATE,
        **conventions,
    ):
        super().__init__({**(values or {}), "threshold": (threshold, POTENTIAL)}, **conventions)
        if self.lowest["threshold"] <= 0:
            raise self.wrong(f"threshold is {self.lowest['threshold']:g} (unit of v)", "range          above 0")
        self.fire = one_of(type(self).__name__, "fire", fire, Fire)
        self.surrogate = a_surrogate(type(self).__name__, surrogate)

    def fired(self, v: Tensor, threshold: float | Tensor) -> Tensor:
        """Spikes of the membrane v (B, ...): 0 or 1."""
        return self.surrogate(v - threshold, self.fire == "gt")


def a_surrogate(owner: str, surrogate: Any) -> Surrogate:
    """`surrogate` if it is one, else a UserError."""
    if not isinstance(surrogate, Surrogate):
        raise UserError(f"{owner}: surrogate is {surrogate!r}", "wanted         an object, such as ATan(alpha=2)")
    return surrogate


def vector(owner: str, shape: Sequence[int] | None) -> int:
    """N of a shape (N,), else a UserError."""
    if shape is None or len(shape) != 1:
        got = None if shape is None else tuple(shape)
        raise UserError(
            f"{owner}: it gets {got} at each step, and needs a vector (N,)", "put torch.nn.Flatten before it"
        )
    return shape[0]


def counted(owner: str, name: str, value: Any) -> int:
    """`value` if it is a whole number of 1 and above, else a UserError."""
    if type(value) is not int or value < 1:
        raise UserError(f"{owner}: {name} is {value!r}", "range          1 and above, whole")
    return value
