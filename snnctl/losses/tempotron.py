"""The tempotron's cost: how far a membrane's highest point lies on the wrong side of the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from snnctl.losses.loss import Loss, valid, within


class Tempotron(Loss):
    """One tempotron a class, which fires for its own samples and for no other.

        L_b = sum_c e_bc |v_max_bc - threshold|,     v_max = max_{t < T_b} out[t];     scores = v_max

    e = 1 where the membrane of the sample's class stays below threshold, or another's reaches it, else 0. Where out is
    a weighted sum of responses to spikes, the gradient is the tempotron's rule: for each wrong output,

        dw_i = +- lr sum_{t_i < t_max} K(t_max - t_i)

    Args:
        threshold: unit of out, above 0.
        class_weights: as in `Loss`.

    Source: R. Guetig, H. Sompolinsky, Nature Neuroscience 9 (2006), doi 10.1038/nn1643.

    Raises:
        UserError: threshold is not above 0.
    """

    def __init__(self, threshold: float = 1.0, class_weights: Sequence[float] | None = None):
        super().__init__(class_weights)
        self.threshold = within("threshold", threshold, "unit of out", above=True)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C): v_max."""
        return torch.where(valid(out, length), out.float(), -torch.inf).amax(0)

    def per_sample(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`."""
        over = self.scores(out, length) - self.threshold
        own = torch.nn.functional.one_hot(target, over.shape[1]).bool()
        return torch.where(own, (-over).clamp(min=0), over.clamp(min=0)).sum(1)
