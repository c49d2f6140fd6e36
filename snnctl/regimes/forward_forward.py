"""Forward-forward: each layer tells samples with their own label from samples with a wrong one, by itself."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.datasets.batch import Batch
from snnctl.errors import UserError, number
from snnctl.losses.loss import mean
from snnctl.networks.folding import over_time
from snnctl.neurons.quantity import one_of
from snnctl.regimes.eventprop.stages import leaves
from snnctl.regimes.supervised import Supervised


class ForwardForward(Supervised):
    """No gradient passes from one layer of neurons to the one before.

        g_l = scale mean_n r_ln^2,   r = spikes a step of the sample's valid steps    goodness of layer l
        L   = sum_l softplus(theta - g_l(x, y)) + softplus(g_l(x, y') - theta),       y' a wrong label, drawn at random

    The label is shown in the first C inputs of a step, C classes, which it replaces. A class's score is the sum of
    g_l(x, class) over the layers. The layers behind the last neurons that spike are trained beside it by the loss, on
    the spikes of samples without a label, as they are, and pass no gradient on: with `predict: readout` they answer, as
    the plain network does, which is what is deployed; train/loss and train/acc are theirs. Layers pass their spikes on
    as they are, not normalised.

    Args:
        theta: goodness that tells the two apart.
        scale: of goodness; with rates up to 1 it is at most this.
        strength: of a shown label.
        predict: goodness (C passes a sample) or readout (one).
        others: as in `Supervised`.

    Raises:
        UserError: no neurons that spike, fewer inputs than classes; a number out of range.

    Source: G. Hinton 2022, arXiv 2212.13345.
    """

    def __init__(
        self,
        *args: Any,
        theta: float = 2.0,
        scale: float = 20.0,
        strength: float = 10.0,
        predict: Literal["goodness", "readout"] = "goodness",
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.theta = number("regime.theta =", theta, "no unit", 0.0, above=True)
        self.scale = number("regime.scale =", scale, "no unit", 0.0, above=True)
        self.strength = number("regime.strength =", strength, "unit of the input", 0.0, above=True)
        self.predict = one_of("ForwardForward", "predict", predict, Literal["goodness", "readout"])
        self.stages: list[list[nn.Module]] = [[]]
        for _, layer in leaves(self.network):
            self.stages[-1].append(layer)
            if getattr(layer, "spiking", False):
                self.stages.append([])
        self.rest = self.stages.pop()
        if not self.stages:
            raise UserError("ForwardForward: the network has no neurons that spike", "choose   network=mlp neuron=lif")
        facts = self.network.facts
        self.classes = len(facts.classes)
        if torch.Size(facts.shape).numel() <= self.classes:
            raise UserError(
                f"ForwardForward: {torch.Size(facts.shape).numel()} inputs have no room for {self.classes} labels",
                "choose   another data set, or an encoding with more channels",
            )

    def shown(self, x: Tensor, label: Tensor) -> Tensor:
        """x (T, B, *shape) with a label (B,) in its first inputs."""
        flat = x.flatten(2).clone()
        flat[:, :, : self.classes] = self.strength * F.one_hot(label, self.classes)
        return flat.view(x.shape)

    def goodness(self, x: Tensor, length: Tensor) -> tuple[list[Tensor], Tensor]:
        """g (B,) of each layer, and the last spikes (T, B, ...); each layer's gradient is its own."""
        found = []
        for layers in self.stages:
            x = self._run(layers, x.detach())
            found.append(self.scale * mean(x, length).flatten(1).square().mean(1))
        return found, x.detach()

    def outputs(self, batch: Batch) -> Tensor:
        """The readout over time (T, B, C), which no layer with spikes gets a gradient from."""
        with torch.no_grad():
            spikes = self.goodness(_dense(batch), batch.length)[1]
        return self._run(self.rest, spikes)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        x = _dense(batch)
        other = (batch.target + torch.randint_like(batch.target, 1, self.classes)) % self.classes
        loss = x.new_zeros(())
        for label, sign in ((batch.target, 1.0), (other, -1.0)):
            for g in self.goodness(self.shown(x, label), batch.length)[0]:
                loss = loss + F.softplus(sign * (self.theta - g)).mean()
        if self._row_due():
            self.log("train/goodness_loss", loss, on_step=True, on_epoch=False, batch_size=len(batch.target))
        return loss + super().training_step(batch, batch_idx)

    def forward(self, batch: Batch) -> Tensor:
        """(1, B, C) of goodness, or the readout over time (T, B, C)."""
        if self.predict == "readout":
            return super().forward(batch)
        if getattr(self._trainer, "testing", False):
            super().forward(batch)  # operations and rates are those of the plain network, of one pass
        x, scores = _dense(batch), []
        for c in range(self.classes):
            label = torch.full_like(batch.target, c)
            scores.append(torch.stack(self.goodness(self.shown(x, label), batch.length)[0]).sum(0))
        return torch.stack(scores, 1)[None]

    def _run(self, layers: list[nn.Module], x: Tensor) -> Tensor:
        for layer in layers:
            temporal = getattr(layer, "temporal", False)
            x = layer(x, dt=self.network.dt)[0] if temporal else over_time(layer, x)
        return x


def _dense(batch: Batch) -> Tensor:
    return batch.x if isinstance(batch.x, Tensor) else batch.x.dense()
