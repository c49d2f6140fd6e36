"""Penalties on a network's parameters, added to the loss; and limits that they are put back into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import ClassVar, Literal

import torch
from torch import Tensor

from snnctl.errors import UserError, did_you_mean
from snnctl.losses.loss import within
from snnctl.losses.regularizers import bounded, outside, weighed

Patterns = str | Sequence[str]


@dataclass(frozen=True)
class ParameterBounds:
    """Keeps parameters within a range, softly.

        L = weight sum_i cost_i    cost_i = exp(d_i / scale) where d_i > 0, else 0     form: exponential
                                            (d_i / scale)^2                            form: quadratic

    d_i is how far element i is outside [low, high]. The exponential jumps by 1 at the bound.

    Args:
        parameters: names, or patterns with *: fc.weight, *.weight, lif.tau_mem (its value in s).
        low, high: bounds, unit of the parameter; None: no bound on that side.
        form: exponential or quadratic.
        scale: unit of the parameter.
        weight: factor of the penalty, 0 and above.

    Raises:
        UserError: low is above high or neither is given, scale is not above 0, weight is below 0, no parameter has
            such a name.
    """

    parameters: Patterns = "*.weight"
    low: float | None = -1.0
    high: float | None = 1.0
    form: Literal["exponential", "quadratic"] = "quadratic"
    scale: float = 1.0
    weight: float = 1.0
    reads: ClassVar[str] = "parameters"

    def __post_init__(self) -> None:
        bounded(self, "unit of the parameter")
        weighed(self)
        if self.form not in ("exponential", "quadratic"):
            raise UserError(
                f"regularizer ParameterBounds: form = {self.form!r}", "choose from   exponential, quadratic"
            )
        within("scale", self.scale, "unit of the parameter", above=True, of="regularizer ParameterBounds")

    def __call__(self, parameters: Mapping[str, Tensor], length: Tensor | None = None) -> Tensor:
        """{name: parameter, any shape} -> ()."""
        return self.weight * torch.stack([self._cost(p) for p in chosen(parameters, self.parameters).values()]).sum()

    def _cost(self, p: Tensor) -> Tensor:
        apart = outside(p, self.low, self.high) / self.scale
        return (apart.square() if self.form == "quadratic" else torch.where(apart > 0, apart.exp(), 0.0)).sum()


@dataclass(frozen=True)
class ParameterNorm:
    """Makes parameters small, or many of them zero: the mean over parameters of each one's mean cost.

        L = weight mean_p mean_i cost(p_i)    cost = p^2                    norm: l2
                                                     |p|                    norm: l1
                                                     p^4 / (p^4 + sigma)    norm: l0, nearly 1 unless p is nearly 0

    Args:
        norm: l2, l1 or l0.
        parameters: names, or patterns with *: fc.weight, *.weight, * for all.
        sigma: of l0, above 0: p^4 at which half is paid.
        weight: factor of the penalty, 0 and above.

    Source: l0: Wei et al. 2018, doi 10.3390/s18103373.

    Raises:
        UserError: the norm is unknown, sigma is not above 0, weight is below 0, no parameter has such a name.
    """

    norm: Literal["l2", "l1", "l0"] = "l2"
    parameters: Patterns = "*.weight"
    sigma: float = 1e-4
    weight: float = 1e-3
    reads: ClassVar[str] = "parameters"

    def __post_init__(self) -> None:
        if self.norm not in ("l2", "l1", "l0"):
            raise UserError(f"regularizer ParameterNorm: norm = {self.norm!r}", "choose from   l2, l1, l0")
        within("sigma", self.sigma, "fourth power of the parameter's unit", above=True, of="regularizer ParameterNorm")
        weighed(self)

    def __call__(self, parameters: Mapping[str, Tensor], length: Tensor | None = None) -> Tensor:
        """{name: parameter, any shape} -> ()."""
        costs = [self._cost(p).mean() for p in chosen(parameters, self.parameters).values()]
        return self.weight * torch.stack(costs).mean()

    def _cost(self, p: Tensor) -> Tensor:
        if self.norm == "l0":
            return p**4 / (p**4 + self.sigma)
        return p.square() if self.norm == "l2" else p.abs()


def chosen(parameters: Mapping[str, Tensor], patterns: Patterns) -> dict[str, Tensor]:
    """Those whose name one of the patterns fits.

    Raises:
        UserError: a pattern fits none.
    """
    patterns = [patterns] if isinstance(patterns, str) else patterns
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in parameters):
            raise UserError(f"no parameter is called {pattern!r}", did_you_mean(pattern, parameters))
    return {name: p for name, p in parameters.items() if any(fnmatch(name, pattern) for pattern in patterns)}


def limited(w: Tensor, low: float | None = None, high: float | None = None, norm: float | None = None) -> Tensor:
    """Weights within limits: normalised first, then clipped. A neuron whose weights are all 0 keeps them.

        w norm / sum_i |w_i|, over all weights into one neuron or map;    min(max(w, low), high)

    Args:
        w: (neurons or maps, ...).
        low, high, norm: unit of the weight; None: no such limit.

    Returns:
        As w.
    """
    if norm is not None:
        into = w.abs().flatten(1).sum(1).view(-1, *[1] * (w.dim() - 1)) if w.dim() > 1 else w.abs()
        w = w * (norm / torch.where(into == 0, 1.0, into))
    return w if low is None and high is None else w.clamp(low, high)
