"""snnTorch's spike functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from snnctl.surrogates import Surrogate
from tests.parity.parity import Inputs, Parity, Traces
from tests.surrogates.gradients import above_threshold, around_threshold, gradient, proof, said
from tests.surrogates.presets import preset

# their function -> (YAML, its settings: their arguments -> ours)
FUNCTIONS = {
    "atan": ("atan", [({}, {}), ({"alpha": 0.5}, {"alpha": 0.5}), ({"alpha": 8.0}, {"alpha": 8.0})]),
    "fast_sigmoid": ("fast_sigmoid", [({}, {}), ({"slope": 1}, {"slope": 1}), ({"slope": 100}, {"slope": 100})]),
    # from slope = 30 on their exponential overflows at x = -3 and the gradient is NaN
    "sigmoid": ("sigmoid", [({}, {}), ({"slope": 1}, {"slope": 1}), ({"slope": 10}, {"slope": 10})]),
    "straight_through_estimator": ("straight_through_estimator", [({}, {})]),
    "triangular": ("triangular", [
        ({}, {}),
        ({"threshold": 0.5}, {"below": 0.5, "above": -0.5}),
        ({"threshold": 3}, {"below": 3, "above": -3}),
    ]),
    "heaviside": ("heaviside", [({}, {})]),
    "spike_rate_escape": ("spike_rate_escape", [
        ({}, {}),
        ({"beta": 4, "slope": 2}, {"width": 0.25, "scale": 0.5}),
        ({"beta": 0.5}, {"width": 2.0, "scale": 50.0}),
    ]),
    "SFS": ("sfs", [({}, {}), ({"slope": 2, "B": 0.5}, {"slope": 2, "bound": 0.5}), ({"B": 2}, {"bound": 2})]),
}  # fmt: skip


def _called(name: str, options: dict, x: Tensor) -> Tensor:
    from snntorch import surrogate

    return getattr(surrogate, name)(**options)(x)


def _cases():
    for function, (name, settings) in FUNCTIONS.items():
        for theirs, mine in settings:
            yield proof(
                f"snntorch.surrogate.{function}",
                f"snntorch/{name}",
                said(theirs),
                lambda x, function=function, theirs=theirs: _called(function, theirs, x),
                mine,
                above_threshold,
            )


# SSO draws its gradient below threshold: the range that it fills is compared, and the gradient above threshold
BELOW = torch.linspace(-3, -1e-3, 400_000)


def _range(given: Inputs, spike: Callable[[Tensor], Tensor]) -> Traces:
    x = BELOW.clone().requires_grad_()
    (drawn,) = torch.autograd.grad(spike(x).sum(), x)
    above = {name: tensor[given["x"] > 0] for name, tensor in given.items()}
    return {"least": drawn.min(), "largest": drawn.max(), **gradient(above, spike)}


def _sso(theirs: dict, mine: dict) -> Parity:
    def drawn(given: Inputs) -> Traces:
        torch.manual_seed(0)
        return _range(given, lambda x: _called("SSO", theirs, x))

    def mine_too(given: Inputs) -> Traces:
        return _range(given, partial(above_threshold, preset("snntorch/sso", **mine)))

    return Parity("snntorch.surrogate.SSO", "surrogate@neuron.surrogate=snntorch/sso", said(theirs), around_threshold,
                  drawn, mine_too)  # fmt: skip


@dataclass(frozen=True)
class Lorentz(Surrogate):
    """ds/dx = 1 / (1 + (sharpness x)^2): a user's own."""

    sharpness: float = 3.0

    def derivative(self, x: Tensor) -> Tensor:
        y = x * self.sharpness
        return (y * y + 1).reciprocal()

    def primitive(self, x: Tensor) -> Tensor:
        return torch.atan(x * self.sharpness) / self.sharpness + 0.5


def _custom(sharpness: float) -> Parity:
    def function(x: Tensor, grad: Tensor, spikes: Tensor) -> Tensor:
        return grad / (1 + (sharpness * x) ** 2)

    return Parity(
        "snntorch.surrogate.custom_surrogate",
        "a Surrogate of one's own",
        f"sharpness={sharpness:g}",
        around_threshold,
        lambda given: gradient(
            given, lambda x: _called("custom_surrogate", {"custom_surrogate_function": function}, x)
        ),
        lambda given: gradient(given, partial(above_threshold, Lorentz(sharpness))),
    )


CASES = [
    *_cases(),
    _sso({}, {}),
    _sso({"mean": 1.0}, {"mean": 1.0}),
    _sso({"mean": -0.5, "variance": 0.5}, {"mean": -0.5, "spread": 0.5}),
    *map(_custom, (3.0, 1.0, 10.0)),
    # its closure hands one argument to SSO, which wants two
    Parity("snntorch.surrogate.LSO", "surrogate@neuron.surrogate=snntorch/lso", "defaults", around_threshold,
           lambda given: gradient(given, lambda x: _called("LSO", {}, x)), fails="TypeError"),
]  # fmt: skip
