"""What each recipe must show: whole, over its seeds (`make recipes`), and on a small budget (the fast test)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """A recipe's proof.

    Args:
        recipe: its name.
        at_least: mean test accuracy over the seeds.
        root: folder of the real recordings below the shared data, "" where the set needs none.
        small: overrides of the fast test. small_at_least: test accuracy it must reach.
        baselines: name -> overrides of a linear classifier and an ANN on the same events.
    """

    recipe: str
    at_least: float
    root: str = ""
    small: tuple[str, ...] = ()
    small_at_least: float = 0.0
    baselines: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def data(self, shared: str) -> list[str]:
        return [f"dataset.root={shared}/{self.root}"] if self.root else []
