"""PPO: proximal policy optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical

from snnctl.environments.turns import Turn
from snnctl.errors import UserError, number, whole
from snnctl.regimes.acting.acting import Acting
from snnctl.regimes.acting.advantage import advantages
from snnctl.regimes.acting.critic import Critic


class PPO(Acting):
    """The policy gradient on clipped ratios, several times over the same play:

        L = -mean(min(q A, clip(q, 1 - clip, 1 + clip) A)) + value_weight mean((V - R)^2) - entropy mean(H)
        q = pi(a | o) / pi_old(a | o),   A: generalised advantages, mean 0 and deviation 1 in a minibatch,   R = A + V

    The players act `horizon` times each, then `passes` passes are made over these samples, in `minibatches` parts, one
    a turn. So an epoch of `environment.turns` turns is turns / (passes minibatches) plays.

    Args:
        horizon: actions of each player between updates. minibatches: parts of a pass. passes: over the same play.
        clip: of the ratio, above 0. trace: of the advantages, 0 to 1.
        value_weight, entropy: weights in the loss, 0 and above.
        critic: widths of the critic's hidden layers.
        others: as in `Acting`.

    Raises:
        UserError: a value out of its range.

    Source: J. Schulman et al. 2017, arXiv 1707.06347.
    """

    def __init__(
        self,
        *args: Any,
        horizon: int = 64,
        minibatches: int = 4,
        passes: int = 4,
        clip: float = 0.2,
        trace: float = 0.95,
        value_weight: float = 0.5,
        entropy: float = 0.01,
        critic: Sequence[int] = (64, 64),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        for name, value in (("horizon", horizon), ("minibatches", minibatches), ("passes", passes)):
            whole(f"regime.{name} =", value, hint="a whole number, 1 or more")
        self.horizon, self.minibatches, self.passes = horizon, minibatches, passes
        self.clip = number("regime.clip =", clip, "no unit", 0, above=True)
        self.trace = number("regime.trace =", trace, "no unit", 0, 1)
        self.value_weight = number("regime.value_weight =", value_weight, "no unit", 0)
        self.entropy = number("regime.entropy =", entropy, "no unit", 0)
        self.critic = Critic(self.network.facts.shape, critic)
        self._played: dict[str, Tensor] = {}
        self._parts: list[Tensor] = []  # sample numbers of the minibatches that are left

    def on_fit_start(self) -> None:
        super().on_fit_start()
        samples = self.horizon * self.environment.players
        if samples < 2 * self.minibatches:
            raise UserError(
                f"{samples} samples of {self.environment.players} players make no {self.minibatches} minibatches",
                "raise regime.horizon or environment.players",
            )

    def learn(self, turn: Turn) -> Tensor:
        """As in `Acting`."""
        if not self._parts:
            self._played = self._play()
            count = len(self._played["action"])
            self._parts = [p for _ in range(self.passes) for p in torch.randperm(count).chunk(self.minibatches)]
        chosen = self._parts.pop(0)
        part = {name: values[chosen].to(self.device) for name, values in self._played.items()}
        x = self.observe(part["seen"].cpu().numpy())
        policy, value = Categorical(logits=self(x)), self.critic(x)
        ratio = (policy.log_prob(part["action"]) - part["log_prob"]).exp()
        advantage = part["advantage"]
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
        gain = torch.minimum(ratio * advantage, clipped * advantage).mean()
        error = (value - part["target"]).square().mean()
        entropy = policy.entropy().mean()
        self.tallies["train"].note(entropy=entropy.detach(), value_error=error.detach())
        return -gain + self.value_weight * error - self.entropy * entropy

    @torch.no_grad()
    def _play(self) -> dict[str, Tensor]:
        """The players act `horizon` times: (horizon x players, ...) of each."""
        self.eval()
        rows: dict[str, list[Tensor]] = {}
        for _ in range(self.horizon):
            seen = self.players.seen.copy()
            x = self.observe(seen)
            policy = Categorical(logits=self(x))
            action = policy.sample()
            step = self.players.step(action.tolist())
            value = self.critic(x)
            row = {"seen": seen, "action": action, "log_prob": policy.log_prob(action), "value": value,
                   "reward": step.reward, "ended": step.ended, "over": step.over,
                   "after": self.critic(self.observe(step.after))}  # fmt: skip
            for name, values in row.items():
                rows.setdefault(name, []).append(torch.as_tensor(values).cpu())
        self.train()
        self.note_finished(self.players)
        made = {name: torch.stack(values) for name, values in rows.items()}
        rewards = [made.pop(name) for name in ("reward", "after", "ended", "over")]
        made["advantage"] = advantages(made["value"], *rewards, self.discount, self.trace)
        made["target"] = made["advantage"] + made.pop("value")
        return {name: values.flatten(0, 1) for name, values in made.items()}

    def kept(self) -> dict[str, Any]:
        """The play at hand, while minibatches of it are left."""
        return {"played": self._played, "parts": self._parts} if self._parts else {}

    def load_kept(self, kept: dict[str, Any]) -> None:
        self._played, self._parts = kept.get("played", {}), list(kept.get("parts", []))
