"""Rules with a learning signal at each step, that runs down through the layers, and traces in each of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from snnctl.datasets.batch import EventList, dense
from snnctl.regimes.online.online import Gradients, Online, add
from snnctl.regimes.online.stages import Run, Stage, inner, run, scalars, stages, twin
from snnctl.regimes.online.streaming import Criterion


class Layered(Online):
    """Space and time apart: at every step the error is led down through the layers as they are at that step,

        l_L[t] = dL / dout_L[t],   d_i[t] = l_i[t] dout_i[t] / dx_i[t],   l_{i-1}[t] = W_i^T d_i[t],

    and a rule says what time adds within a layer: `through_time`. No gradient crosses layers and steps both.

    Args:
        others: as in `Online`.

    Raises:
        UserError: a layer whose state is neither a neuron's nor a `Recurrent` layer's.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for stage in stages(self.network, type(self).__name__):
            self.suits(stage)

    def suits(self, stage: Stage) -> None:
        """Raises a UserError where the rule cannot train a stage."""

    def begin(self, x: Tensor | EventList) -> list[dict[str, Any]]:
        return [{"stage": stage, "state": None} for stage in stages(self.network, type(self).__name__)]

    def learn(
        self, x: Tensor | EventList, carried: list[dict[str, Any]], criterion: Criterion, more: bool
    ) -> tuple[Gradients, list[dict[str, Any]]]:
        pre = dense(x)
        runs = []
        with torch.enable_grad():
            for number, kept in enumerate(carried):
                here, after = self._forward(kept, pre, number)
                pre = here.out.detach()
                runs.append((here, after))
            signal = self.heard(runs[-1][0], criterion(pre), criterion)
            gradients: Gradients = {}
            for number in reversed(range(len(runs))):
                here, after = runs[number]
                delta = signal
                if here.stage.layer is not None:
                    own = scalars(here.stage.neuron)
                    found = torch.autograd.grad(
                        here.out, [here.drive, *own], signal, retain_graph=number > 0, allow_unused=True
                    )
                    delta = found[0]
                    here.extra["own"] = {p: g for p, g in zip(own, found[1:], strict=True) if g is not None}
                add(gradients, self.through_time(here, signal, delta, carried[number], more))
                if number:
                    below = runs[number - 1][0]
                    signal = self.heard(below, self.signal_below(here, delta), criterion)
                carried[number]["state"] = after
        return gradients, carried

    def _forward(self, kept: dict[str, Any], pre: Tensor, number: int) -> tuple[Run, Any]:
        stage, state = kept["stage"], kept["state"]
        here, after = run(stage, pre, state, self.network.dt, down=number > 0)
        if stage.layer is None:
            here.out = here.y
            return here, None
        cut = twin(stage.neuron, cut=True)
        here.out, own = cut(here.drive, inner(state), dt=self.network.dt)
        return here, own if after is None else after

    def signal_below(self, here: Run, delta: Tensor) -> Tensor | None:
        """l of the stage below one, for its d."""
        return here.to_input(delta)

    def heard(self, here: Run, signal: Tensor | None, criterion: Criterion) -> Tensor:
        """l of a stage, for what comes down to it."""
        return signal

    @abstractmethod
    def through_time(
        self, here: Run, signal: Tensor, delta: Tensor, kept: dict[str, Any], more: bool
    ) -> dict[nn.Parameter, Tensor]:
        """Gradients of a stage's parameters.

        Args:
            here: the stage's run; here.extra["own"]: gradients of its neurons' parameters at each step alone.
            signal: l (K, B, ...), of its outputs. delta: d (K, B, ...), of its neurons' inputs, each step alone.
            kept: what the rule keeps of the stage from chunk to chunk, to be changed; "state" is set by others.
            more: whether another chunk follows.
        """
