"""Returns and advantages from rewards."""

from __future__ import annotations

import torch
from torch import Tensor


def returns(reward: Tensor, discount: float) -> Tensor:
    """Discounted sums of an episode's rewards: G[t] = r[t] + discount G[t+1].

    Args:
        reward: (T,).
        discount: 0 to 1.

    Returns:
        (T,).
    """
    out, later = torch.empty_like(reward), reward.new_zeros(())
    for t in reversed(range(len(reward))):
        later = out[t] = reward[t] + discount * later
    return out


def advantages(
    value: Tensor, reward: Tensor, after: Tensor, ended: Tensor, over: Tensor, discount: float, trace: float
) -> Tensor:
    """Generalised advantage estimates,

        d[t] = r[t] + discount V(after[t]) (1 - ended[t]) - V(seen[t])
        A[t] = d[t] + discount trace (1 - over[t]) A[t+1]

    so that an episode cut at its time limit is valued as if it went on, one that ended is not.

    Args:
        value, reward, after: (T, B) values of what was seen, rewards, and values of what came after.
        ended, over: (T, B) bool, see `Step`.
        discount, trace: 0 to 1.

    Returns:
        (T, B).

    Source: J. Schulman et al. 2016, arXiv 1506.02438.
    """
    error = reward + discount * after * ~ended - value
    out, later = torch.empty_like(error), torch.zeros_like(error[0])
    for t in reversed(range(len(error))):
        later = out[t] = error[t] + discount * trace * ~over[t] * later
    return out
