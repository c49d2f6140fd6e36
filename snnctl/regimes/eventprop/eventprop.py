"""EventProp: the exact gradient of spike times, by adjoint equations between events."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError, number
from snnctl.losses import FirstSpike
from snnctl.neurons import CubaLIF
from snnctl.neurons.quantity import one_of
from snnctl.regimes.beginning import scale_rates
from snnctl.regimes.eventprop import euler
from snnctl.regimes.eventprop.exact import constants, fire, first_times, integrate
from snnctl.regimes.eventprop.stages import stages
from snnctl.regimes.supervised import Supervised


class EventProp(Supervised):
    """The gradient of the loss with respect to when neurons fire; nothing stands in for a spike's derivative.

        tau_mem dv/dt = -v + r i,   tau_syn di/dt = -i,   v -> v_reset where v = threshold
        dt_spike / dv = -1 / (dv/dt)

    With `method: exact` neurons live in continuous time. Inputs come at the beginning of a step; every spike time is
    solved within its step, and reaches the next layer then. The membranes of layers that do not fire are those of the
    steps. A loss over membranes reads them at the end of each step; `FirstSpike` reads the exact time of the first
    spike. Neurons that do not fire have no gradient: `init_rates` sets where they begin.

    Args:
        method: exact; or euler_adjoint: Norse's Euler steps of the adjoint equations, on the spikes of the steps, for
            neurons in Norse's conventions (neuron=cuba_lif/norse). That gradient is not exact.
        evaluation: validate and test exact, or in steps, as the network is deployed; euler_adjoint always in steps.
            The two come together as dt becomes small against the time constants.
        least_slope: dv/dt at a spike below which it counts as this, in threshold / tau_mem; 0: never. A membrane that
            just touches the threshold has a gradient without bound.
        init_rates: (low, high): scale weights before training until each layer's rate in steps, spikes a neuron and
            step, lies in it.
        others: as in `Supervised`.

    Raises:
        UserError: soft reset, adaptive neurons, recurrence, or another layer that has no exact times; before training.

    Source: T. C. Wunderlich, C. Pehle, Scientific Reports 11 (2021), doi 10.1038/s41598-021-91786-z.
    """

    def __init__(
        self,
        *args: Any,
        method: Literal["exact", "euler_adjoint"] = "exact",
        evaluation: Literal["exact", "steps"] = "exact",
        least_slope: float = 0.0,
        init_rates: tuple[float, float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.method = one_of("EventProp", "method", method, Literal["exact", "euler_adjoint"])
        self.evaluation = one_of("EventProp", "evaluation", evaluation, Literal["exact", "steps"])
        self.least_slope = number("regime.least_slope =", least_slope, "threshold / tau_mem", 0.0)
        self.init_rates = init_rates
        if method == "euler_adjoint":
            euler.check(self.network)
            return
        self._stages = stages(self.network)
        self.spiking = type(self._stages.all[-1].neuron) is CubaLIF
        if self.spiking and not (isinstance(self.loss, FirstSpike) and self.loss.threshold is None):
            raise UserError(
                f"EventProp: {type(self.loss).__name__} does not read spike times, and the readout spikes",
                "choose   loss=first_spike, or network.readout of a leaky integrator with tau_syn",
            )
        if not self.spiking and isinstance(self.loss, FirstSpike) and self.loss.threshold is None:
            hint = "choose   neuron@network.readout=cuba_lif network.readout.reset=zero, or loss=max_membrane"
            raise UserError("EventProp: FirstSpike reads spike times, and the readout does not spike", hint)

    def on_fit_start(self) -> None:
        scale_rates(self, self.init_rates)

    def outputs(self, batch: Batch) -> Tensor:
        """Membranes over time (T, B, C), or exact first spike times (B, C), steps."""
        if self.method == "euler_adjoint":
            with euler.adjoint(self.network, self.least_slope):
                return self.network(batch.x)[0]
        dt = self.network.dt
        x = batch.x if isinstance(batch.x, Tensor) else batch.x.dense()
        grid, found, weight = self._stages.currents(x), None, None
        for stage in self._stages.all:
            of = constants(stage.neuron, dt)
            if stage.linear is not None:
                weight, bias = stage.linear.weight, stage.linear.bias
                grid = grid.new_zeros(*grid.shape[:2], len(weight))
                grid = grid if bias is None else grid + bias
            if type(stage.neuron) is CubaLIF:
                found = fire(grid, found, weight, of, dt, self.least_slope * of.threshold / of.tau_mem)
            else:
                return integrate(grid, found, weight, of, dt)
        length = batch.length.to("cpu").clamp(min=1, max=len(x))
        times = first_times(found, (x.shape[1], grid.shape[2]), length * dt) / dt
        return times.to(grid)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, scores = self.judged(batch)
        self.tallies["train"].add(loss, scores, batch.target)
        if self._row_due():
            self.log("train/loss_step", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))
        return loss

    def judged(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss () and scores (B, C) of a batch, with the gradient that this regime trains with."""
        out = self.outputs(batch)
        if self.method == "euler_adjoint" or not self.spiking:
            return self.loss(out, batch.target, batch.length), self.loss.scores(out, batch.length)
        scores = self.loss.scored(out)
        return self.loss.averaged(self.loss.entropy(scores, batch.target), batch.target, out.shape[1]), scores

    def _evaluate(self, stage: str, batch: Batch) -> Tensor:
        if self.evaluation == "steps" or self.method == "euler_adjoint":
            return super()._evaluate(stage, batch)
        with torch.no_grad():
            if stage == "test":
                self(batch)  # operations and rates are counted in steps
            loss, scores = self.judged(batch)
        self.tallies[stage].add(loss, scores, batch.target)
        return scores
