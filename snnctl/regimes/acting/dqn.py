"""DQN: deep Q-learning with replay and a target network."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.environments.turns import Turn
from snnctl.errors import UserError, number, whole
from snnctl.regimes.acting.acting import Acting, read_out
from snnctl.regimes.acting.replay import Replay


class DQN(Acting):
    """The network's scores are values Q(o, a), learned from transitions drawn from the latest `replay`:

        L = mean(huber(Q(o, a) - (r + discount (1 - ended) Q'(o', argmax_a Q(o', a)))))

    Q' is a copy of the network that follows every `target_every` updates; the action of the maximum is the learning
    network's (double Q-learning). Each turn every player acts `actions` times, at random with the chance epsilon, which
    falls from `explore_from` to `explore_to` over `explore_turns` turns, then one update is made.

    Args:
        batch: transitions an update. replay: transitions kept. learn_after: transitions before the first update; until
            then actions are random.
        target_every: updates between copies. actions: of each player a turn.
        explore_from, explore_to: epsilon, 0 to 1. explore_turns: as above.
        others: as in `Acting`.

    Raises:
        UserError: a value out of its range.

    Source: V. Mnih et al. 2015, doi 10.1038/nature14236; H. van Hasselt et al. 2016, arXiv 1509.06461.
    """

    def __init__(
        self,
        *args: Any,
        batch: int = 64,
        replay: int = 10000,
        learn_after: int = 500,
        target_every: int = 100,
        actions: int = 1,
        explore_from: float = 1.0,
        explore_to: float = 0.05,
        explore_turns: int = 2000,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        counts = {"batch": batch, "replay": replay, "learn_after": learn_after, "target_every": target_every,
                 "actions": actions, "explore_turns": explore_turns}  # fmt: skip
        for name, value in counts.items():
            whole(f"regime.{name} =", value, hint="a whole number, 1 or more")
        if learn_after > replay:
            raise UserError(f"regime.learn_after = {learn_after} of a replay of {replay}", "at most regime.replay")
        self.batch, self.capacity, self.learn_after = batch, replay, learn_after
        self.target_every, self.actions, self.explore_turns = target_every, actions, explore_turns
        self.explore_from = number("regime.explore_from =", explore_from, "no unit", 0, 1)
        self.explore_to = number("regime.explore_to =", explore_to, "no unit", 0, 1)
        self.target = copy.deepcopy(self.network).requires_grad_(False)
        self._replay: Replay | None = None

    @property
    def replay(self) -> Replay:
        """What was lived through lately."""
        if self._replay is None:
            self._replay = Replay(self.capacity, self.players.seen.shape[1:])
        return self._replay

    @property
    def epsilon(self) -> float:
        """The chance of a random action now."""
        done = min(1.0, self.global_step / self.explore_turns)
        return self.explore_from + done * (self.explore_to - self.explore_from)

    def learn(self, turn: Turn) -> Tensor:
        """As in `Acting`."""
        while len(self.replay) < self.learn_after:
            self._act(1.0)
        for _ in range(self.actions):
            self._act(self.epsilon)
        self.note_finished(self.players)
        if self.global_step % self.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())
        lived = self.replay.draw(self.batch)
        action, reward, ended = (lived[n].to(self.device) for n in ("action", "reward", "ended"))
        after = self.observe(lived["after"].numpy())
        with torch.no_grad():
            best = self(after).argmax(1, keepdim=True)
            later = read_out(self.target(after)[0], self.loss).gather(1, best)[:, 0]
        value = self(self.observe(lived["seen"].numpy())).gather(1, action[:, None])[:, 0]
        self.tallies["train"].note(epsilon=self.epsilon, value=value.detach().mean())
        return F.smooth_l1_loss(value, reward + self.discount * later * ~ended)

    @torch.no_grad()
    def _act(self, epsilon: float) -> None:
        self.eval()
        seen = self.players.seen.copy()
        scores = self(self.observe(seen)).cpu()
        dice = torch.rand(len(seen))
        action = torch.where(dice < epsilon, torch.randint(scores.shape[1], (len(seen),)), scores.argmax(1))
        self.replay.add(seen, action, self.players.step(action.tolist()))
        self.train()
        self.target.eval()

    def kept(self) -> dict[str, Any]:
        """The replay; one that is large makes checkpoints large."""
        return {"replay": self.replay.state_dict()}

    def load_kept(self, kept: dict[str, Any]) -> None:
        self.replay.load_state_dict(kept["replay"])
