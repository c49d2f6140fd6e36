"""Rank order coding: the order of the spikes says which value is the largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snnctl.datasets.encodings.ranges import Generators, Outside, choice, number, still, within

Spacing = Literal["rank", "reciprocal"]


@dataclass(frozen=True)
class RankOrder:
    """One spike a place with a value above 0, larger values first; in steps from 0:

        rank:        t = floor(T k / n)                 k the value's rank from 0, n the places with a value above 0
        reciprocal:  t = ceil(T (1/v) / max(1/v)) - 1   the sample's smallest value comes at the last step

    Equal values spike together (rank: with the first of them).

    Args:
        spacing: "rank" or "reciprocal".
        within: share of the sample's steps T that the code fills, above 0 to 1.
        weakest: reciprocal: whether what falls on the last step spikes.
        outside: a value below 0: "refuse", or "clip".

    Raises:
        UserError: a setting out of range; when called: a series, or a value below 0.

    Source: Thorpe and Gautrais 1998, doi:10.1007/978-1-4615-4831-7_19.
    """

    spacing: Spacing = "rank"
    within: float = 1.0
    weakest: bool = True
    outside: Outside = "refuse"

    def __post_init__(self):
        choice("RankOrder", "spacing", self.spacing, Spacing)
        choice("RankOrder", "outside", self.outside, Outside)
        number("RankOrder", "within", self.within, "share of the steps", 0.0, 1.0, above=True)

    def __call__(self, values: Tensor, steps: int, dt: float, rngs: Generators) -> Tensor:
        """0 or 1, (T, B, *shape).

        Raises:
            UserError: the values are a series, or one is below 0.
        """
        shape = values.shape[1:]
        v = within("RankOrder", still("RankOrder", values), 0.0, outside=self.outside).flatten(1)
        last = max(round(self.within * steps), 1)
        t = _ranks(v, last) if self.spacing == "rank" else _reciprocals(v, last)
        spikes = v > 0
        if self.spacing == "reciprocal" and not self.weakest:
            spikes &= t < last - 1
        out = torch.zeros(steps, *v.shape)
        out.scatter_(0, t.clamp(0, steps - 1)[None], spikes.float()[None])
        return out.view(steps, *shape)


def _ranks(v: Tensor, steps: int) -> Tensor:
    ordered = v.sort(1, descending=True).values
    rank = torch.searchsorted(-ordered, -v)  # how many are larger
    return rank * steps // (v > 0).sum(1, keepdim=True).clamp_min(1)


def _reciprocals(v: Tensor, steps: int) -> Tensor:
    v = v / v.amax(1, keepdim=True)
    t = torch.where(v > 0, 1 / v, torch.zeros_like(v))
    t = t * (steps / t.amax(1, keepdim=True))
    return torch.ceil(t).nan_to_num(0.0, posinf=steps).long() - 1
