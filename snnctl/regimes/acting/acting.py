"""What every regime that learns to act shares: the policy, validation and test episodes, exact resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnctl.environments.environment import Environment
from snnctl.environments.players import Players
from snnctl.environments.turns import Turn
from snnctl.errors import RunFailed, UserError, number
from snnctl.metrics.decoders import Decoder, Learned
from snnctl.regimes.acting.playing import greedy, play
from snnctl.regimes.acting.returns import Returns
from snnctl.regimes.regime import Regime

KEY = "acting"


class Acting(Regime):
    """A spiking policy: the loss's scores of the network's output, one an action, read over T steps from rest.

    In training the loss says how scores are read (mean or largest membrane, spike counts), no label is there. A turn is
    one batch of Lightning's: `learn(turn)` plays and returns the loss of one update. Validation and test play whole
    episodes with the action of the largest score (see `greedy`), so that a figure depends on the weights alone.

    Args:
        network: (T, B, ...) -> ((T, B, actions), state).
        loss: `scores(out, length) -> (B, actions)`.
        optimizer, scheduler, monitor, decoder: as in `Regime`; the decoder chooses actions in evaluation.
        discount: of the reward one action later, 0 to 1.

    Raises:
        UserError: a value out of its range; a decoder that learns from labels.
    """

    acts = True  # needs an environment, not a labelled set

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        monitor: str = "val/return",
        decoder: Decoder | None = None,
        discount: float = 0.99,
    ):
        super().__init__(network, loss, optimizer, scheduler, monitor, decoder, Returns)
        if isinstance(decoder, Learned):
            raise UserError(f"{type(decoder).__name__} learns from labels, an environment has none", "decoder=loss")
        self.discount = number("regime.discount =", discount, "no unit", 0, 1)
        self._kept: dict[str, Any] | None = None
        self._players: Players | None = None

    # -- the policy ------------------------------------------------------------------------------------------

    @property
    def environment(self) -> Environment:
        """What is played."""
        return self.trainer.datamodule

    @property
    def players(self) -> Players:
        """The games of training."""
        if self._players is None:
            self._players = self.environment.play("train")
        return self._players

    def forward(self, x: Tensor) -> Tensor:
        """Scores (B, actions) of input (T, B, ...)."""
        return self._scores(x, self.loss)

    def _scores(self, x: Tensor, judge: nn.Module | Decoder) -> Tensor:
        return read_out(self.network(x)[0], judge)

    def observe(self, seen: np.ndarray) -> Tensor:
        """Observations (B, *shape) as input (T, B, ...) on this device."""
        return self.environment.observe(seen).to(self.device)

    @torch.no_grad()
    def preferences(self, environment: Environment, seen: np.ndarray) -> np.ndarray:
        """Scores (B, actions) that evaluation acts by, of observations (B, *shape)."""
        x = environment.observe(seen).to(self.device)
        return self._scores(x, self.decoder or self.loss).float().cpu().numpy()

    # -- turns -----------------------------------------------------------------------------------------------

    def learn(self, turn: Turn) -> Tensor:
        """Play, and return the loss of one update, shape ()."""
        raise NotImplementedError

    def training_step(self, turn: Turn, batch_idx: int) -> Tensor:
        loss = self.learn(turn)
        if not torch.isfinite(loss):
            raise RunFailed(
                f"the loss is {loss.item()} in epoch {self.current_epoch}, step {self.global_step}",
                "lower optimizer.lr, set trainer.gradient_clip_val=0.5, or scale the rewards",
            )
        self.tallies["train"].note(loss=loss.detach())
        return loss

    def note_finished(self, players: Players) -> None:
        """Count the players' episodes that are over."""
        self.tallies["train"].add(players.finished)
        players.finished = []

    def validation_step(self, turn: Turn, batch_idx: int) -> None:
        self._evaluate("val")

    def test_step(self, turn: Turn, batch_idx: int) -> None:
        self._evaluate("test")

    def _evaluate(self, stage: str) -> None:
        environment = self.environment

        def act(seen: np.ndarray) -> np.ndarray:
            return greedy(self.preferences(environment, seen), seen)

        self.tallies[stage].add(play(environment, stage, environment.episodes[stage], act))

    # -- epochs and resume -----------------------------------------------------------------------------------

    def on_fit_start(self) -> None:
        if self.trainer.world_size > 1:
            raise UserError("a regime that acts runs in one process", "set   trainer.devices=1")

    def on_train_start(self) -> None:
        if self._kept is not None:
            self.players.load_state_dict(self._kept["players"])
            self.load_kept(self._kept["own"])
            self._kept = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[KEY] = {"players": self.players.state_dict(), "own": self.kept()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._kept = checkpoint.get(KEY)

    def kept(self) -> dict[str, Any]:
        """What a subclass carries from turn to turn besides weights: tensors and plain values."""
        return {}

    def load_kept(self, kept: dict[str, Any]) -> None:
        """Go on with what `kept` gave."""


def read_out(out: Tensor, judge: nn.Module | Decoder) -> Tensor:
    """Scores (B, actions) of a network's output (T, B, ...), all of whose steps count."""
    return judge.scores(out, torch.full((out.shape[1],), out.shape[0], device=out.device))
