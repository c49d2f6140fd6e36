"""Rockpool's bounds on parameters, of torch.

Not proven: a bound of 0 in summed_exp_boundary_loss, which it takes for none.
"""

from __future__ import annotations

import torch

from snnctl.losses import ParameterBounds
from tests.parity.frameworks import guard
from tests.parity.parity import Inputs, Parity, Traces


def parameters() -> Inputs:
    """Two parameters of several sizes."""
    draw = torch.Generator().manual_seed(0)
    return {"w": torch.randn(5, 4, generator=draw), "tau": torch.rand(7, generator=draw)}


def _traces(given: Inputs, cost) -> Traces:
    values = {name: p.clone().requires_grad_() for name, p in given.items()}
    value = cost(values)
    value.backward()
    return {"loss": value.detach(), **{f"grad_{name}": p.grad for name, p in values.items()}}


def _theirs(given: Inputs, low: float | None, high: float | None, as_module: bool) -> Traces:
    guard()
    from rockpool.training import torch_loss

    module = torch_loss.ParameterBoundaryRegularizer(low, high)
    one = (lambda p: module(p)[0]) if as_module else (lambda p: torch_loss.summed_exp_boundary_loss(p, low, high))
    return _traces(given, lambda values: sum(one(p) for p in values.values()))


def _their_bounds(given: Inputs, low: float | None, high: float | None) -> Traces:
    guard()
    from rockpool.training.torch_loss import bounds_cost, make_bounds

    def cost(values: dict) -> torch.Tensor:
        lows, highs = make_bounds({name: p.detach() for name, p in values.items()})
        for name in values:
            lows[name] = lows[name] if low is None else low
            highs[name] = highs[name] if high is None else high
        return bounds_cost(values, lows, highs)

    return _traces(given, cost)


def _case(name: str, setting: str, low: float | None, high: float | None) -> Parity:
    mine = ParameterBounds("*", low, high, form="exponential")
    theirs = {
        "bounds_cost": lambda given: _their_bounds(given, low, high),
        "summed_exp_boundary_loss": lambda given: _theirs(given, low, high, False),
        "ParameterBoundaryRegularizer": lambda given: _theirs(given, low, high, True),
    }[name]
    return Parity(
        f"rockpool.training.torch_loss.{name}", "regularizer=parameter_bounds, form=exponential", setting, parameters,
        theirs, lambda given: _traces(given, mine),
    )  # fmt: skip


CASES = [
    _case(name, setting, low, high)
    for name in ("bounds_cost", "summed_exp_boundary_loss", "ParameterBoundaryRegularizer")
    for setting, low, high in (("both", 0.2, 0.6), ("lower", 0.5, None), ("upper", None, 0.3))
]
