"""What a rule is that a reward modulates."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class RewardRule(Protocol):
    """A rule gives, at each step, what a reward would do to the weights; the change is dw = lr reward eligible.

    Attributes:
        chances: whether it needs the probability of each spike, which only stochastic neurons have.
    """

    chances: bool

    def begin(self, pre: Tensor, post: Tensor) -> Any:
        """The state at rest, for spikes pre (B, I) and post (B, O)."""

    def step(
        self, pre: Tensor, post: Tensor, state: Any, dt: float, chance: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """One time step.

        Args:
            pre: (B, I) input spikes. post: (B, O) output spikes.
            state: as returned by the call before, or by `begin`.
            dt: step width, s.
            chance: (B, O) probability of each output spike, where the rule reads it.

        Returns:
            eligible (B, O, I), what a reward of 1 would add to each weight, and the next state.
        """

    def observed(self, state: Any) -> Any:
        """The state at a new observation, before which neurons start from rest: spike traces go, eligibility stays."""

    def forget(self, state: Any, over: Tensor) -> Any:
        """The state with the samples (B,) bool at rest whose episode is over."""
