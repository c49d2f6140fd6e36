"""Mistakes found in a configuration, gathered so that all are shown at once."""

from __future__ import annotations

from dataclasses import dataclass

from snnctl.errors import UserError


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Args:
        kind: `unknown key`, `wrong value`, ...
        subject: what is wrong, as the user wrote it.
        lines: (label, text) pairs that help: `did you mean`, `takes`, `see`.
    """

    kind: str
    subject: str
    lines: tuple[tuple[str, str], ...] = ()

    def render(self, before: str = "") -> tuple[str, list[str]]:
        """The first line and the others, subject and texts in one column; `before` is what stands left of it."""
        column = max(len(before) + len(self.kind) + 2, *(len(label) + 5 for label, _ in self.lines), 0)
        first = f"{self.kind}".ljust(column - len(before)) + self.subject
        rest = []
        for label, text in self.lines:
            head, *more = text.split("\n")
            rest.append(f"{label.ljust(column - 2)}{head}")
            rest += [" " * (column - 2) + line for line in more]
        return first, rest


class Faults(list[Fault]):
    """Mistakes in the order in which they were found; the first about a subject is kept."""

    def add(self, kind: str, subject: str, *lines: tuple[str, str]) -> None:
        if all(fault.subject.partition("=")[0] != subject.partition("=")[0] for fault in self):
            self.append(Fault(kind, subject, tuple(line for line in lines if line[1])))

    def raise_all(self) -> None:
        """Raise one UserError for all; nothing if there is none."""
        if not self:
            return
        if len(self) == 1:
            first, rest = self[0].render("snnctl: ")
            raise UserError(first, "\n".join(rest))
        lines = []
        for fault in self:
            first, rest = fault.render()
            lines += [first, *(f"  {line}" for line in rest)]
        raise UserError(f"{len(self)} mistakes", "\n".join(lines))


def guess(close: list[str], describe: dict[str, str] | None = None) -> tuple[str, str]:
    """The `did you mean` line; with what each name means where that is known."""
    describe = describe or {}
    shown = [f"{name}   ({describe[name]})" if describe.get(name) else name for name in close]
    return "did you mean", "\n".join(shown) if describe else ", ".join(shown)
