"""How far two spike trains are from each other: by the traces that they leave, or by what turns one into the other."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.errors import UserError


def van_rossum(x: Tensor, y: Tensor, tau: float) -> Tensor:
    """Squared distance of the traces that the spikes leave, van Rossum's.

        D^2 = sum_t (f[t] - g[t])^2 / tau,    f[t] = exp(-1 / tau) f[t - 1] + x[t]

    About 1/2 for a spike that the other train has not, and 1 for two spikes far apart, where tau is many steps.

    Args:
        x, y: (T, ...), spikes.
        tau: of the traces, steps; small: coincidences count, large: numbers of spikes.

    Returns:
        (...) float32, with a gradient.

    Raises:
        UserError: the shapes differ, or tau is not above 0.

    Source: van Rossum 2001, doi 10.1162/089976601300014321.
    """
    _check(x, y)
    if not tau > 0:
        raise UserError(f"van_rossum: tau = {tau}", "range   above 0, steps")
    decay = torch.tensor(-1 / tau).exp().item()
    trace = torch.zeros_like(x[0], dtype=torch.float32)
    distance = torch.zeros_like(trace)
    for apart in (x.float() - y.float()).unbind(0):
        trace = decay * trace + apart
        distance = distance + trace.square() / tau
    return distance


def victor_purpura(x: Tensor, y: Tensor, cost: float) -> Tensor:
    """What the cheapest way costs to turn one spike train into the other, Victor's and Purpura's.

        a spike more or less costs 1, moving one by n steps costs n cost

    Args:
        x, y: (T, ...), spikes; several in a step count as many.
        cost: of moving a spike by a step, 0 and above; 0: only the numbers of spikes count.

    Returns:
        (...) float32.

    Raises:
        UserError: the shapes differ, or the cost is below 0.

    Source: Victor, Purpura 1996, doi 10.1152/jn.1996.76.2.1310.
    """
    _check(x, y)
    if not cost >= 0:
        raise UserError(f"victor_purpura: cost = {cost}", "range   0 and above, of a step")
    columns = zip(*(s.detach().reshape(len(s), -1).unbind(1) for s in (x, y)), strict=True)
    distances = [_cheapest(_times(a), _times(b), cost) for a, b in columns]
    return torch.tensor(distances, device=x.device).view(x.shape[1:])


def _times(train: Tensor) -> list[int]:
    steps = torch.arange(len(train), device=train.device)
    return torch.repeat_interleave(steps, train.long()).tolist()


def _cheapest(a: list[int], b: list[int], cost: float) -> float:
    """Edit distance of two lists of times."""
    above = [float(j) for j in range(len(b) + 1)]
    for i, s in enumerate(a):
        row = [i + 1.0]
        for j, t in enumerate(b):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + cost * abs(s - t)))
        above = row
    return above[-1]


def _check(x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape or not x.dim():
        raise UserError(f"spike trains of shapes {tuple(x.shape)} and {tuple(y.shape)}", "wanted   (T, ...) both")
