"""By labels that neurons were assigned after they learned without any: how unsupervised networks classify."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.errors import UserError, number
from snnctl.losses.loss import total
from snnctl.metrics.decoders.decoder import Learned, checked


class Assigned(Learned):
    """Each neuron is assigned the class that it fires most for:

        r_nc = keep r_nc + mean of neuron n's spikes over the samples of class c that were added
        p_nc = r_nc / sum_c r_nc,   label_n = argmax_c p_nc,   -1 where it never fired

    Of equal classes the lowest one counts.

    Args:
        keep: what is left of the rates found before, at each `finish`, no unit, 0 and above; `start` sets them to 0.

    Attributes:
        rates: r, (N, C). proportions: p, (N, C). labels: (N,) int64.

    Raises:
        UserError: keep is below 0; when called: no labels were seen, or the number of neurons changed.

    Source: Diehl and Cook 2015, doi:10.3389/fncom.2015.00099.
    """

    def __init__(self, keep: float = 1.0):
        self.keep = number("decoder.keep is", keep, "no unit", 0.0)
        self.rates = self.proportions = self.labels = self._sums = self._samples = None

    def start(self, classes: int) -> None:
        """As of `Learned`."""
        self.classes = classes
        self.rates = self.proportions = self.labels = self._sums = self._samples = None

    def add(self, out: Tensor, target: Tensor, length: Tensor) -> None:
        """As of `Learned`."""
        counts = total(checked(self, out, length), length)
        member = torch.nn.functional.one_hot(target, self.classes).to(counts)
        sums, samples = counts.T @ member, member.sum(0)
        self._sums = sums if self._sums is None else self._sums + sums
        self._samples = samples if self._samples is None else self._samples + samples

    def finish(self) -> None:
        """As of `Learned`."""
        if self._sums is None:
            raise UserError(f"{type(self).__name__}: it has seen no samples", "call   add(out, target, length)")
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(self._sums)
            torch.distributed.all_reduce(self._samples)
        found, seen = self._sums / self._samples.clamp_min(1), self._samples > 0
        rates = torch.zeros_like(found) if self.rates is None else self.rates
        self.rates = torch.where(seen, self.keep * rates + found, rates)
        activity = self.rates.sum(1, keepdim=True)
        self.proportions = torch.where(activity > 0, self.rates / activity, 0.0)
        self.labels = torch.where(activity[:, 0] > 0, self.proportions.argmax(1), -1)
        self._sums = self._samples = None

    def _votes(self, out: Tensor, length: Tensor, weights: Tensor | None) -> Tensor:
        """Mean over the neurons of each class of their spikes, weighted: (T, B, N), (B,) -> (B, C)."""
        self.started()
        counts = total(checked(self, out, length), length)
        if counts.shape[1] != len(self.labels):
            raise UserError(
                f"{type(self).__name__}: {counts.shape[1]} output neurons, labels for {len(self.labels)}",
                "start it anew for this network",
            )
        of_class = (self.labels[:, None] == torch.arange(self.classes, device=counts.device)).to(counts)
        size = of_class.sum(0).clamp_min(1)
        return counts @ (of_class if weights is None else of_class * weights) / size


class AllActivity(Assigned):
    """The class whose neurons fire most on average: scores_c = mean over n with label_n = c of sum_t out_n[t]."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, N), (B,) -> (B, C), spikes."""
        return self._votes(out, length, None)


class ProportionWeighting(Assigned):
    """As AllActivity, a neuron's spikes counting as much as they spoke for its class: each weighs p_nc."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, N), (B,) -> (B, C), weighted spikes."""
        return self._votes(out, length, self.proportions)
