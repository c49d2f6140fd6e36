"""Statistics of single spike trains and of a population: intervals, local variation, Fano factor, synchrony."""

from __future__ import annotations

import torch
from torch import Tensor

from snnctl.errors import UserError


def intervals(spikes: Tensor) -> tuple[Tensor, Tensor]:
    """Times between successive spikes; a step with several spikes is one event.

    Args:
        spikes: (T, ...), a train for each element of one step.

    Returns:
        owner (n,): flat number of the train; interval (n,): steps. Sorted by train, then by time.
    """
    steps = spikes.shape[0]
    train, t = (spikes != 0).reshape(steps, -1).t().nonzero().unbind(1)
    same = train[1:] == train[:-1]
    return train[1:][same], (t[1:] - t[:-1])[same]


def interval_cv(spikes: Tensor) -> Tensor:
    """Coefficient of variation of each train's intervals, std(I) / mean(I): 0 a clock, 1 Poisson.

    Args:
        spikes: (T, ...); a step with several spikes is one event.

    Returns:
        (...) float64, NaN where a train has fewer than two intervals.
    """
    owner, interval = intervals(spikes)
    interval = interval.double()
    trains = torch.Size(spikes.shape[1:]).numel()
    n = torch.bincount(owner, minlength=trains)
    mean = torch.bincount(owner, interval, trains) / n
    square = torch.bincount(owner, interval.square(), trains) / n
    cv = (square - mean.square()).clamp(min=0).sqrt() / mean
    return torch.where(n >= 2, cv, torch.nan).reshape(spikes.shape[1:])


def local_variation(spikes: Tensor) -> Tensor:
    """How irregular each train is, whatever its rate does slowly: 0 a clock, 1 Poisson, above 1 bursts.

        Lv = 3 / (n - 1) sum_i ((I_i - I_i+1) / (I_i + I_i+1))^2     over n intervals I_1 ... I_n

    Args:
        spikes: (T, ...); a step with several spikes is one event.

    Returns:
        (...) float64, NaN where a train has fewer than three spikes.

    Source: Shinomoto, Shima, Tanji 2003, doi 10.1162/089976603322518759.
    """
    owner, interval = intervals(spikes)
    pairs = owner[1:] == owner[:-1]
    before, after = interval[:-1][pairs].double(), interval[1:][pairs].double()
    trains = torch.Size(spikes.shape[1:]).numel()
    total = torch.bincount(owner[1:][pairs], ((before - after) / (before + after)).square(), trains)
    count = torch.bincount(owner[1:][pairs], minlength=trains)
    return torch.where(count > 0, 3 * total / count, torch.nan).reshape(spikes.shape[1:])


def population_fano(spikes: Tensor, window: int = 1) -> Tensor:
    """Fano factor of the whole population's spikes: 1 for independent Poisson neurons, above where they fire together.

        F = var(N) / mean(N)     N: spikes of all neurons in a window; the variance is that of the windows seen (1 / n)

    Args:
        spikes: (T, B, ...).
        window: steps; windows do not overlap, what is left at the end is dropped.

    Returns:
        (B,) float64, NaN for a silent sample.

    Raises:
        UserError: the window is not 1 step to T.
    """
    n = _counts(spikes, window).sum(2)
    return n.var(0, correction=0) / n.mean(0)


def synchrony(spikes: Tensor, window: int = 1) -> Tensor:
    """Whether neurons fire together: 1 if all do exactly the same, about 1 / sqrt(neurons) if they are independent.

        chi^2 = var(mean_i n_i) / mean_i var(n_i)     n_i: spikes of neuron i in a window

    Args:
        spikes: (T, B, ...).
        window: steps, as of `population_fano`.

    Returns:
        chi (B,) float64, NaN where no neuron's counts vary.

    Raises:
        UserError: the window is not 1 step to T.

    Source: Golomb, Rinzel 1993, doi 10.1103/PhysRevE.48.4810.
    """
    n = _counts(spikes, window)
    return (n.mean(2).var(0, correction=0) / n.var(0, correction=0).mean(1)).sqrt()


def correlation(spikes: Tensor, window: int = 1) -> Tensor:
    """Pearson's correlation of the spike counts of every two neurons.

    Args:
        spikes: (T, B, ...), N neurons.
        window: steps, as of `population_fano`.

    Returns:
        (B, N, N) float64; NaN in rows and columns of neurons whose count does not vary.

    Raises:
        UserError: the window is not 1 step to T.
    """
    n = _counts(spikes, window)
    apart = n - n.mean(0)
    covariance = torch.einsum("tbi,tbj->bij", apart, apart)
    norm = covariance.diagonal(dim1=1, dim2=2).sqrt()
    r = covariance / (norm[:, :, None] * norm[:, None, :])
    return torch.where(r.isnan(), r, r.clamp(-1, 1))


def _counts(spikes: Tensor, window: int) -> Tensor:
    """(T, B, ...) -> spikes of each neuron in each whole window, (windows, B, N) float64."""
    if not 1 <= window <= len(spikes):
        raise UserError(f"window of {window} steps, of {len(spikes)} recorded", f"range   1 to {len(spikes)}")
    whole = len(spikes) // window
    return spikes[: whole * window].double().reshape(whole, window, spikes.shape[1], -1).sum(1)
