"""What the proofs of surrogates share: where they are driven, and how their gradients are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from snnctl.surrogates import Surrogate
from tests.parity.drive import with_gradients
from tests.parity.parity import Inputs, Parity, Traces
from tests.surrogates.presets import preset

FINE = 2.0**-10
BOTH = ("spikes", "grad_x")


def around_threshold() -> Inputs:
    """x from -3 to 3 with every kink of the defaults and its neighbours, all exact in float32, and g of its shape."""
    coarse = torch.arange(-24, 25) / 8
    kinks = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    x = torch.cat([coarse, kinks - FINE, kinks + FINE, torch.tensor([-0.03, 0.003, 0.01, 0.04])])
    return {"x": x, "g": torch.randn(x.shape, generator=torch.Generator().manual_seed(0))}


def gradient(given: Inputs, spike: Callable[[Tensor], Tensor], traces: Sequence[str] = BOTH) -> Traces:
    """Spikes and grad_x of `spike(x)`, or one of the two where the other is drawn at random."""
    x = given["x"].clone().requires_grad_()
    found = with_gradients(spike(x), x, given, ())
    return {name: found[name].detach() for name in traces}


def at_threshold(surrogate: Surrogate, x: Tensor) -> Tensor:
    """The spike of frameworks that fire at v >= threshold."""
    return surrogate(x)


def above_threshold(surrogate: Surrogate, x: Tensor) -> Tensor:
    """The spike of frameworks that fire at v > threshold."""
    return surrogate(x, strict=True)


def proof(
    api: str,
    name: str,
    setting: str,
    theirs: Callable[[Tensor], Tensor],
    changes: Mapping[str, Any],
    mine: Callable[[Surrogate, Tensor], Tensor] = at_threshold,
    traces: Sequence[str] = BOTH,
    inputs: Callable[[], Inputs] = around_threshold,
) -> Parity:
    """That a framework's spike function and the surrogate of a YAML give the same spikes and gradients.

    Args:
        api: theirs, as imported.
        name: of the YAML: "snntorch/atan".
        setting: what was changed from their defaults.
        theirs: x -> spikes. Imports the framework inside.
        changes: numbers of the YAML that the setting changes.
        mine: surrogate, x -> spikes.
        traces: what is compared.
        inputs: x and g.
    """
    return Parity(
        api,
        f"surrogate@neuron.surrogate={name}",
        setting,
        inputs,
        lambda given: gradient(given, theirs, traces),
        lambda given: gradient(given, partial(mine, preset(name, **changes)), traces),
    )


def said(options: Mapping[str, float]) -> str:
    """The name of a setting."""
    return ", ".join(f"{k}={v:g}" for k, v in options.items()) or "defaults"
