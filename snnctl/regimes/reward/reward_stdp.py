"""Learning to act by plasticity that the reward modulates, without any gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from snnctl.environments.turns import Turn
from snnctl.errors import RunFailed, UserError, number, whole
from snnctl.regimes.acting.acting import Acting, read_out
from snnctl.regimes.reward.plastic_layers import Activity, PlasticLayers
from snnctl.regimes.reward.prediction_error import RewardPredictionError
from snnctl.regimes.reward.rule import RewardRule

Select = Literal["softmax", "proportional", "highest"]


class RewardSTDP(Acting):
    """A local rule at every plastic layer, and one number, the reward, for all:

        dw = lr mean_b (r_b - m) sum_t eligible_b[t]        t: the steps of the observation that led to the action

    with `eligible` of the rule and m what the baseline expected. The optimizer gets -dw as if it were a gradient: plain
    SGD makes it this equation. Weights change once a turn; biases, and layers left out, stay as they are. Each player
    has traces of its own, which are forgotten when its episode is over.

    Args:
        rule: see `RewardRule`.
        layers: dotted names of the plastic layers; None: every linear layer.
        baseline: what is taken off a reward; None: nothing.
        actions: of each player a turn.
        select: how training acts on the scores: "softmax" of them by `temperature`, "proportional" to them (all 0:
            any), or the "highest".
        temperature: of the softmax, in the unit of the scores, above 0.
        epsilon: chance of an action at random, 0 to 1.
        credit: "taken": spikes of the outputs whose action was not taken are not seen by the rule, as if the action
            that won had silenced them; "all": they are.
        bounds: lowest and highest weight.
        outside: what becomes of a weight outside of them: "clip", counted as train/clipped, or "stop".
        init: lowest and highest of the plastic weights at first, uniform; None: as the layers have them.
        others: as in `Acting`.

    Raises:
        UserError: a value out of its range; a layer that the rule cannot change.

    Source: N. Fremaux, W. Gerstner 2016, doi 10.3389/fncir.2015.00085.
    """

    def __init__(
        self,
        *args: Any,
        rule: RewardRule,
        layers: Sequence[str] | None = None,
        baseline: RewardPredictionError | None = None,
        actions: int = 1,
        select: Select = "softmax",
        temperature: float = 1.0,
        epsilon: float = 0.0,
        credit: Literal["taken", "all"] = "taken",
        bounds: tuple[float, float] = (0.0, 1.0),
        outside: Literal["clip", "stop"] = "clip",
        init: tuple[float, float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        for name, value, choices in (
            ("select", select, ("softmax", "proportional", "highest")),
            ("credit", credit, ("taken", "all")),
            ("outside", outside, ("clip", "stop")),
        ):
            if value not in choices:
                raise UserError(f"regime.{name} = {value!r}", f"choose from    {', '.join(choices)}")
        for name, pair in (("bounds", bounds), ("init", init)):
            if pair is not None and not (len(pair) == 2 and pair[0] < pair[1]):
                raise UserError(f"regime.{name} = {list(pair)}", "[lowest, highest]")
        whole("regime.actions =", actions, hint="a whole number, 1 or more")
        self.rule, self.baseline = rule, baseline
        self.actions, self.select, self.credit = actions, select, credit
        self.temperature = number("regime.temperature =", temperature, "unit of the scores", 0, above=True)
        self.epsilon = number("regime.epsilon =", epsilon, "no unit", 0, 1)
        self.bounds, self.outside, self.init = tuple(bounds), outside, init
        self.plastic = PlasticLayers(self.network, layers, rule.chances)
        self.network.requires_grad_(False)
        for weight in self.plastic.weights.values():
            weight.requires_grad_(True)
        self._states: dict[str, Any] = {}
        self._changes: dict[str, Tensor] = {}

    def on_train_start(self) -> None:
        if self.init is not None and self._kept is None:
            with torch.no_grad():
                for weight in self.plastic.weights.values():
                    weight.uniform_(*self.init)
        super().on_train_start()

    @torch.no_grad()
    def learn(self, turn: Turn) -> Tensor:
        """As in `Acting`; the loss is what the turn's actions earned on average, with its sign turned."""
        self._changes = {name: torch.zeros_like(w) for name, w in self.plastic.weights.items()}
        earned = []
        for _ in range(self.actions):
            out, activity = self.plastic.run(self.observe(self.players.seen))
            action = self._choose(read_out(out, self.loss))
            eligible = {name: self._eligible(name, own, action) for name, own in activity.items()}
            step = self.players.step(action.tolist())
            reward = torch.as_tensor(step.reward, device=out.device)
            earned.append(reward.mean())
            error = reward if self.baseline is None else self.baseline.error(reward)
            over = torch.as_tensor(step.over, device=out.device)
            for name, own in eligible.items():
                self._changes[name] += torch.einsum("b,boi->oi", error, own) / len(error)
                self._states[name] = self.rule.forget(self._states[name], over)
            for one in self.players.finished:
                if self.baseline is not None:
                    self.baseline.update(one.total, one.length)
            self.note_finished(self.players)
        return -torch.stack(earned).mean()

    def _choose(self, scores: Tensor) -> Tensor:
        """Actions (B,) from scores (B, actions)."""
        if self.select == "highest":
            action = scores.argmax(1)
        else:
            shares = scores.clamp(min=0) + 1e-9 if self.select == "proportional" else None
            shares = (scores / self.temperature).softmax(1) if shares is None else shares
            action = torch.multinomial(shares, 1)[:, 0]
        if self.epsilon:
            dice = torch.rand(len(action), device=action.device) < self.epsilon
            action = torch.where(dice, torch.randint_like(action, scores.shape[1]), action)
        return action

    def _eligible(self, name: str, seen: Activity, action: Tensor) -> Tensor:
        """What a reward of 1 for the action would add to a layer's weights, of each player: (B, O, I)."""
        pre, post, chance = seen.pre.flatten(2), seen.post.flatten(2), seen.chance
        if self.credit == "taken" and name == self.plastic.last:
            taken = torch.nn.functional.one_hot(action, post.shape[2]).to(post)
            post, chance = post * taken, None if chance is None else chance * taken
        state = self._states.get(name)
        state = self.rule.begin(pre[0], post[0]) if state is None else self.rule.observed(state)
        total = 0.0
        for t in range(len(pre)):
            now, state = self.rule.step(pre[t], post[t], state, self.network.dt, None if chance is None else chance[t])
            total = total + now
        self._states[name] = state
        return total

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The changes in the place of a gradient, for the optimizer to subtract."""
        for name, weight in self.plastic.weights.items():
            change = -self._changes[name] / self.trainer.accumulate_grad_batches
            weight.grad = change if weight.grad is None else weight.grad + change

    @torch.no_grad()
    def on_train_batch_end(self, outputs: Any, batch: Turn, batch_idx: int) -> None:
        low, high = self.bounds
        outside = count = 0
        for name, weight in self.plastic.weights.items():
            if not torch.isfinite(weight).all():
                raise RunFailed(f"weights of layer {name} are not finite", "lower optimizer.lr")
            beyond = int(((weight < low) | (weight > high)).sum())
            if beyond and self.outside == "stop":
                raise RunFailed(
                    f"{beyond} weights of layer {name} left {low:g} to {high:g} in step {self.global_step}",
                    "lower optimizer.lr, widen regime.bounds, or   regime.outside=clip",
                )
            outside, count = outside + beyond, count + weight.numel()
            weight.clamp_(low, high)
        self.tallies["train"].note(clipped=outside / count)

    def kept(self) -> dict[str, Any]:
        """The traces of the running episodes, and what the baseline expects."""
        states = {name: pytree.tree_leaves(state) for name, state in self._states.items()}
        return {"states": states, "expected": None if self.baseline is None else self.baseline.expected}

    def load_kept(self, kept: dict[str, Any]) -> None:
        if self.baseline is not None:
            self.baseline.expected = kept["expected"]
        for name, leaves in kept["states"].items():
            out, into = self.plastic.weights[name].shape
            shape = self.rule.begin(torch.zeros(1, into), torch.zeros(1, out))
            own = [leaf.to(self.device) for leaf in leaves]
            self._states[name] = pytree.tree_unflatten(own, pytree.tree_structure(shape))
