"""By the order in which neurons fire."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import valid
from snnctl.metrics.decoders.decoder import Learned, checked


class NGram(Learned):
    """Sequences of n neurons that fire one after the other, and how often each was seen in each class:

        learning:  every n-tuple that takes one firing neuron of each of n steps with spikes in a row, + 1 for its class
        scores_c = sum over all n neurons in a row in the sample's list of spikes of that count, 0 if never seen

    A sample's list of spikes runs by step, then by neuron; its last n-tuple is left out, as in the source.

    Args:
        n: neurons of a sequence, 2 and above. The number of sequences grows with the n-th power of the spikes a step.

    Attributes:
        seen: sequence -> (C,) counts.

    Raises:
        UserError: n is below 2; when called: no labels were seen.

    Source: Saunders, Siegelmann, Kozma, Ruszinko 2018, arXiv 1808.08173; as in BindsNET.
    """

    def __init__(self, n: int = 2):
        if isinstance(n, bool) or not isinstance(n, int) or n < 2:
            raise UserError(f"decoder.n is {n!r}", "range          2 and above, neurons of a sequence")
        self.n = n
        self.seen: dict[tuple[int, ...], Tensor] = {}

    def start(self, classes: int) -> None:
        """As of `Learned`."""
        self.classes, self.seen = classes, {}

    def add(self, out: Tensor, target: Tensor, length: Tensor) -> None:
        """As of `Learned`."""
        for steps, label in zip(self._spikes(out, length), target.tolist(), strict=True):
            for window in zip(*(steps[k:] for k in range(self.n)), strict=False):
                for sequence in product(*window):
                    self._count(sequence)[label] += 1

    def finish(self) -> None:
        """As of `Learned`."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            found: list = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(found, self.seen)
            self.seen = {}
            for sequence, counts in (item for one in found for item in one.items()):
                self._count(sequence).add_(counts)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, N), (B,) -> (B, C), sequences."""
        self.started()
        scores = torch.zeros(out.shape[1], self.classes)
        for b, steps in enumerate(self._spikes(out, length)):
            order = [neuron for step in steps for neuron in step]
            for j in range(len(order) - self.n):
                counts = self.seen.get(tuple(order[j : j + self.n]))
                if counts is not None:
                    scores[b] += counts
        return scores.to(out.device)

    def _count(self, sequence: tuple[int, ...]) -> Tensor:
        if sequence not in self.seen:
            self.seen[sequence] = torch.zeros(self.classes)
        return self.seen[sequence]

    def _spikes(self, out: Tensor, length: Tensor) -> Iterable[list[list[int]]]:
        """Of each sample the firing neurons of each step in which any fires."""
        fired = ((checked(self, out, length) != 0) & valid(out, length)).cpu()
        for sample in fired.unbind(1):
            yield [step.nonzero()[:, 0].tolist() for step in sample if step.any()]
