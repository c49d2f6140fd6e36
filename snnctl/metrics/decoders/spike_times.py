"""By when the output neurons fire."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from snnctl.errors import UserError
from snnctl.losses.loss import valid
from snnctl.losses.spike_times import spike_times as times_and_ends
from snnctl.metrics.decoders.decoder import Decoder, checked, whole


def spike_times(out: Tensor, count: int = 1, length: Tensor | None = None, dt: float = 1.0) -> Tensor:
    """When each neuron fires for the first, second ... count-th time.

        t_k = dt (step of the k-th spike),  infinite where there is none;   d t_k / d out[t] = -dt at that spike, else 0

    Args:
        out: (T, B, N), spikes: not 0 is one.
        count: spikes wanted, 1 and above.
        length: (B,) valid steps; None: all.
        dt: seconds a step; 1 gives steps.

    Returns:
        (count, B, N) float32, s.
    """
    length = whole(out) if length is None else length
    fired = (out != 0) & valid(out, length)
    there = fired.sum(0) >= torch.arange(1, count + 1, device=out.device).view(-1, 1, 1)
    return torch.where(there, times_and_ends(out, fired, length, count) * dt, torch.inf)


@dataclass(frozen=True)
class SpikeTimes(Decoder):
    """The neuron whose first spikes come earliest: scores_c = -1/n sum_{k <= n} t_k, T_b for a spike that is not there.

    Args:
        count: n, spikes that count, 1 and above; 1: the first one decides.

    Raises:
        UserError: count is below 1.

    Source: Thorpe, Delorme, Van Rullen 2001, doi:10.1016/S0893-6080(01)00083-1.
    """

    count: int = 1

    def __post_init__(self):
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise UserError(f"decoder.count is {self.count!r}", "range          1 and above, spikes")

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), minus steps."""
        times = spike_times(checked(self, out, length).detach(), self.count, length)
        ends = length.to(out.device).clamp(min=1, max=out.shape[0]).float()[:, None]
        return -torch.where(times.isinf(), ends, times).mean(0)
