"""By labels that neurons were assigned after they learned without any: how unsupervised networks classify."""

from __future__ import annotations

from abc import abstractmethod

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
        UserError: keep is below 0; when called: no labels were seen, the number of neurons changed, or outputs are
            membranes that go below 0.

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
        if (counts < 0).any():
            raise UserError(
                f"{type(self).__name__} assigns labels by spikes, and these outputs go below 0",
                "choose         neuron@network.readout=lif loss=spike_count, or decoder=loss",
            )
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

    @abstractmethod
    def votes(self) -> Tensor:
        """What a spike of each neuron says for each class, (C, N): scores are its product with a sample's spikes."""

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, N), (B,) -> (B, C): sum_n votes_cn sum_t out_n[t]."""
        self.started()
        counts = total(checked(self, out, length), length)
        if counts.shape[1] != len(self.labels):
            raise UserError(
                f"{type(self).__name__}: {counts.shape[1]} output neurons, labels for {len(self.labels)}",
                "start it anew for this network",
            )
        return counts @ self.votes().T.to(counts)


class AllActivity(Assigned):
    """The class whose neurons fire most on average: votes_cn = 1 / (neurons of class c) where label_n = c, else 0."""

    def votes(self) -> Tensor:
        """As of `Assigned`."""
        mine = (self.labels == torch.arange(self.classes, device=self.labels.device)[:, None]).to(self.rates)
        return mine / mine.sum(1, keepdim=True).clamp_min(1)


class ProportionWeighting(AllActivity):
    """As AllActivity, a neuron's spikes counting as much as they spoke for its class: each weighs p_nc."""

    def votes(self) -> Tensor:
        """As of `Assigned`."""
        return super().votes() * self.proportions.T


class SpikeLikelihood(Assigned):
    """The class under which a sample's spikes are likeliest, were each drawn for itself and all classes as frequent:

        q_nc = (r_nc + smoothing r) / sum_n (r_nc + smoothing r),   r: mean of all r_nc,   votes_cn = log q_nc

    A neuron speaks for every class that it fires for, and against the others; nothing hangs on its label.

    Args:
        keep: as of `Assigned`.
        smoothing: share of the mean rate that all neurons are given, no unit, above 0: one that never fired for a class
            does not rule it out.

    Raises:
        UserError: as of `Assigned`; smoothing is not above 0.

    Source: the Poisson case of Zhang, Ginzburg, McNaughton, Sejnowski 1998, doi:10.1152/jn.1998.79.2.1017, with the
    total activity left out.
    """

    def __init__(self, keep: float = 1.0, smoothing: float = 0.1):
        super().__init__(keep)
        self.smoothing = number("decoder.smoothing is", smoothing, "no unit", 0.0, above=True)

    def votes(self) -> Tensor:
        """As of `Assigned`."""
        smooth = self.rates + (self.smoothing * self.rates.mean()).clamp_min(1e-12)
        return (smooth / smooth.sum(0)).log().T
