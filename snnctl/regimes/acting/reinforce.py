"""REINFORCE, with a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical

from snnctl.environments.turns import Turn
from snnctl.errors import UserError, number
from snnctl.regimes.acting.acting import Acting
from snnctl.regimes.acting.advantage import returns
from snnctl.regimes.acting.critic import Critic


class REINFORCE(Acting):
    """The gradient of the expected return over whole episodes:

        L = -mean(log pi(a[t] | o[t]) (G[t] - V(o[t]))) + value_weight mean((V - G)^2) - entropy mean(H)
        G[t] = r[t] + discount G[t+1]

    Each turn every player plays one episode with actions drawn from the policy, then one update is made.

    Args:
        baseline: "critic": V, learned; "mean": the mean of the turn's G; "none": 0.
        normalize: divide G - V by its deviation over the turn.
        value_weight, entropy: weights in the loss, 0 and above.
        critic: widths of the critic's hidden layers.
        others: as in `Acting`.

    Raises:
        UserError: a value out of its range.

    Source: R. J. Williams 1992, doi 10.1007/BF00992696.
    """

    def __init__(
        self,
        *args: Any,
        baseline: str = "critic",
        normalize: bool = True,
        value_weight: float = 0.5,
        entropy: float = 0.01,
        critic: Sequence[int] = (64, 64),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        if baseline not in ("critic", "mean", "none"):
            raise UserError(f"regime.baseline = {baseline!r}", "choose from    critic, mean, none")
        self.baseline, self.normalize = baseline, normalize
        self.value_weight = number("regime.value_weight =", value_weight, "no unit", 0)
        self.entropy = number("regime.entropy =", entropy, "no unit", 0)
        self.critic = Critic(self.network.facts.shape, critic) if baseline == "critic" else None

    def learn(self, turn: Turn) -> Tensor:
        """As in `Acting`."""
        seen, action, gains = self._play()
        x = self.observe(seen)
        policy = Categorical(logits=self(x))
        action, gains = action.to(self.device), gains.to(self.device)
        error = gains.new_zeros(())
        over = gains
        if self.critic is not None:
            value = self.critic(x)
            error = (value - gains).square().mean()
            over = gains - value.detach()
        elif self.baseline == "mean":
            over = gains - gains.mean()
        if self.normalize and len(over) > 1:
            over = over / (over.std() + 1e-8)
        entropy = policy.entropy().mean()
        self.tallies["train"].note(entropy=entropy.detach(), value_error=error.detach())
        return -(policy.log_prob(action) * over).mean() + self.value_weight * error - self.entropy * entropy

    @torch.no_grad()
    def _play(self) -> tuple[np.ndarray, Tensor, Tensor]:
        """An episode of each player: observations (N, *shape), actions (N,) and returns (N,) of all their steps."""
        self.eval()
        players = self.players
        courses: list[list[tuple[np.ndarray, int, float]]] = [[] for _ in range(players.count)]
        playing = list(range(players.count))
        while playing:
            drawn = Categorical(logits=self(self.observe(players.seen[playing]))).sample().tolist()
            for k, action in zip(list(playing), drawn, strict=True):
                seen = players.seen[k].copy()
                reward, over = players.step_one(k, action)
                courses[k].append((seen, action, reward))
                if over:
                    playing.remove(k)
        self.train()
        self.note_finished(players)
        seen, action, _ = zip(*(row for course in courses for row in course), strict=True)
        gains = [returns(torch.tensor([r for *_, r in course]), self.discount) for course in courses]
        return np.stack(seen), torch.tensor(action), torch.cat(gains)
