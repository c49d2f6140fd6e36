"""What every plasticity rule is: a pure step from spikes and traces to changes of weights."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from snnctl.errors import UserError, number
from snnctl.neurons.quantity import one_of

Spikes = Literal["all", "nearest"]
Decay = Literal["exact", "euler"]
Dependence = Literal["additive", "step", "multiplicative", "power", "proportional"]
Outside = Literal["clip", "stop", "keep"]
Reduction = Literal["sum", "mean"]


class Term(NamedTuple):
    """A part of the change of the weights at one step: gain(w) sum_b pre_b (x) post_b.

    Args:
        pre: factor of the presynaptic side, (B, *pre); None: 1 everywhere.
        post: factor of the postsynaptic side, (B, *post).
        gain: of the weights as they are before the step; None: 1.
    """

    pre: Tensor | None
    post: Tensor
    gain: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """A plasticity rule: `step(pre, post, state, coefs) -> (terms, state)`, pure, elementwise on either side.

    Args:
        synapses: layers with weights that learn by it: names, or patterns with *: linear, hidden.*.linear.
        low, high: bounds of the weights, unit of the weight; None: none.
        outside: what happens to a weight that a step takes out of its bounds: "clip" puts it back and counts it,
            "stop" ends the run, "keep" leaves it, where bounds only shape the gain.
        reduction: over the samples of a batch: their sum or their mean.
        start: range that the first weights are drawn from, alike, unit of the weight; None: as the layer drew them.

    Raises:
        UserError: a value is out of range.
    """

    synapses: str | Sequence[str] = "*"
    low: float | None = None
    high: float | None = None
    outside: Outside = "clip"
    reduction: Reduction = "sum"
    start: Sequence[float] | None = None
    State: ClassVar[type]

    def __post_init__(self) -> None:
        one_of(self.name, "outside", self.outside, Outside)
        one_of(self.name, "reduction", self.reduction, Reduction)
        for side in ("low", "high"):
            if getattr(self, side) is not None:
                number(f"{self.name}: {side} is", getattr(self, side), "unit of the weight")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise self.wrong(f"low is {self.low:g}, high {self.high:g}", "range          low below high")
        if self.start is not None and (len(self.start) != 2 or not self.start[0] <= self.start[1]):
            raise self.wrong(f"start is {list(self.start)}", "wanted         [lowest, highest], unit of the weight")

    @property
    def name(self) -> str:
        """Of the rule, for messages."""
        return type(self).__name__

    @abstractmethod
    def coefficients(self, dt: float) -> NamedTuple:
        """Decay factors and gains at a step of dt, s.

        Raises:
            UserError: a time constant is below dt / 2.
        """

    @abstractmethod
    def initial_state(self, pre: Tensor, post: Tensor) -> NamedTuple:
        """Traces before the first step; of the spikes of one step, (B, *pre) and (B, *post), the shapes count."""

    @abstractmethod
    def step(
        self, pre: Tensor, post: Tensor, state: NamedTuple, coefs: NamedTuple
    ) -> tuple[tuple[Term, ...], NamedTuple]:
        """One time step.

        Args:
            pre: spikes that arrive at the synapses, (B, *pre). post: spikes of the neurons behind, (B, *post).
            state: traces before the step. coefs: of `coefficients(dt)`.

        Returns:
            The parts of the change of the weights, and the traces after the step.
        """

    def positive(self, *names: str) -> None:
        """Check that arguments are time constants: finite, above 0."""
        for name in names:
            number(f"{self.name}: {name} is", getattr(self, name), "s", 0.0, above=True)

    def finite(self, *names: str) -> None:
        """Check that arguments are finite numbers."""
        for name in names:
            number(f"{self.name}: {name} is", getattr(self, name), "no unit")

    def decayed(self, tau: float, dt: float, decay: Decay = "exact") -> float:
        """Share of a trace that is left after a step: exp(-dt / tau), or 1 - dt / tau by Euler."""
        if not 0 < dt < math.inf:
            raise self.wrong(f"dt is {dt!r} s", "range          finite, above 0, s")
        if tau < dt / 2:
            raise self.wrong(
                f"a time constant of {tau:g} s is less than half a step of dt = {dt:g} s",
                f"range          {dt / 2:g} s and above",
            )
        return math.exp(-dt / tau) if decay == "exact" else 1 - dt / tau

    def wrong(self, problem: str, hint: str) -> UserError:
        """The error to raise for a wrong value: it names the rule."""
        return UserError(f"plasticity {self.name}: {problem}", hint)

    def bounded(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Weights put back within the bounds, and how many were outside, shape ()."""
        if (self.low is None and self.high is None) or self.outside == "keep":
            return w, torch.zeros((), dtype=torch.int64, device=w.device)
        inside = w.clamp(self.low, self.high)
        return inside, (inside != w).sum()


def traced(x: Tensor, s: Tensor, decay: float, gain: float, spikes: Spikes) -> Tensor:
    """A trace after a step: decay x + gain s ("all" spikes count), or gain where there was one ("nearest" alone)."""
    return decay * x + gain * s if spikes == "all" else torch.where(s > 0, gain, decay * x)


def itself(w: Tensor) -> Tensor:
    """Gain of a change that is a share of the weight: w."""
    return w


def rising(w: Tensor, dependence: Dependence, high: float | None, mu: float) -> Tensor | float:
    """Gain of potentiation: 1; [w < high]; (high - w)+; (high - w)+^mu; or w."""
    return _gain(None if high is None else high - w, w, dependence, mu)


def falling(w: Tensor, dependence: Dependence, low: float | None, mu: float) -> Tensor | float:
    """Gain of depression: 1; [w > low]; (w - low)+; (w - low)+^mu; or w."""
    return _gain(None if low is None else w - low, w, dependence, mu)


def _gain(room: Tensor | None, w: Tensor, dependence: Dependence, mu: float) -> Any:
    if dependence == "additive":
        return 1.0
    if dependence == "proportional":
        return w
    if dependence == "step":
        return (room > 0).to(w)
    return room.clamp(min=0) if dependence == "multiplicative" else room.clamp(min=0) ** mu
