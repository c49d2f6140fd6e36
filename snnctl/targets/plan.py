"""What a circuit takes of a chip: where each layer goes, what is used of what there is, and what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from snnctl.errors import UserError


class Resource(NamedTuple):
    """A limit, and how much of it is used."""

    where: str  # layer or core
    name: str  # such as "neurons", "kernel memory"
    used: float
    available: float | None  # None: no limit is known
    unit: str = ""

    @property
    def exceeded(self) -> bool:
        return self.available is not None and self.used > self.available


class Misfit(NamedTuple):
    """One reason why a circuit cannot run on a target."""

    layer: str
    problem: str  # the number and the limit
    hint: str  # what would fit

    def __str__(self) -> str:
        return f"{self.layer}: {self.problem}: {self.hint}" if self.hint else f"{self.layer}: {self.problem}"


class DoesNotFit(UserError):
    """A circuit does not fit a target: every reason at once.

    Args:
        target: name for the message.
        misfits: the reasons, at least one.
    """

    def __init__(self, target: str, misfits: Iterable[Misfit]):
        self.target, self.misfits = target, tuple(misfits)
        count = len(self.misfits)
        problem = f"does not fit {target}: {count} {'reason' if count == 1 else 'reasons'}"
        super().__init__(problem, "\n".join(map(str, self.misfits)))

    def __reduce__(self):
        return type(self), (self.target, self.misfits)


@dataclass(frozen=True)
class Plan:
    """A circuit placed on a target.

    Args:
        cores: core (or processor, or "chip") -> the layers on it, in order.
        resources: what is used of what there is.
        notes: what the user should know, such as a time constant that the target rounds, one line each.
        sources: where the limits are from, one line each.
        details: the target's own, for its later stages.
    """

    cores: Mapping[str, tuple[str, ...]]
    resources: tuple[Resource, ...]
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def exceeded(self) -> list[Misfit]:
        """A misfit for every resource of which there is too little."""
        return [
            Misfit(r.where, f"{r.used:,.0f} {r.unit} of {r.name}".replace("  ", " "), f"there are {r.available:,.0f}")
            for r in self.resources
            if r.exceeded
        ]
