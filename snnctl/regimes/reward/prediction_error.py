"""Reward prediction error: how much better an action was than what was to be expected."""

from __future__ import annotations

from snnctl.errors import number


class RewardPredictionError:
    """A reward less the moving average of what a step earned in past episodes:

        error = r - m,     m <- (1 - 1 / window) m + (1 / window) R / n     after an episode of return R in n steps

    Args:
        window: episodes that the average looks back over, 1 and above.

    Attributes:
        expected: m, a step's.

    Raises:
        UserError: window is below 1.

    Source: N. Fremaux, W. Gerstner 2016, doi 10.3389/fncir.2015.00085.
    """

    def __init__(self, window: float = 10.0):
        self.window = number("RewardPredictionError: window is", window, "episodes", 1)
        self.expected = 0.0

    def error(self, reward: float) -> float:
        """The error of one step's reward; of a tensor, each value's."""
        return reward - self.expected

    def update(self, total: float, steps: int) -> None:
        """An episode is over."""
        share = 1 / self.window
        self.expected = (1 - share) * self.expected + share * total / steps
