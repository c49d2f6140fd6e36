"""What the losses of a proof are given, and how their traces are taken."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from snnctl.losses import Loss
from tests.parity.parity import Inputs, Traces

STEPS, BATCH = 40, 6


def spikes(outputs: int = 5, rate: float = 0.15) -> Callable[[], Inputs]:
    """() -> x (40, 6, outputs), spikes, and the class of each sample, 0 to 4."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(outputs)
        x = (torch.rand(STEPS, BATCH, outputs, generator=draw) < rate).float()
        x[:, 0, 0] = 0  # a silent neuron
        return {"x": x, "target": torch.arange(BATCH) % 5}

    return inputs


def membranes(outputs: int = 5, classes: int = 5) -> Callable[[], Inputs]:
    """() -> x (40, 6, outputs), and the class of each sample."""

    def inputs() -> Inputs:
        x = torch.randn(STEPS, BATCH, outputs, generator=torch.Generator().manual_seed(outputs))
        return {"x": x, "target": torch.arange(BATCH) % classes}

    return inputs


def with_gradient(given: Inputs, loss: Callable[[Tensor], Tensor]) -> Traces:
    """The loss of x, shape (), and its gradient."""
    x = given["x"].clone().requires_grad_()
    value = loss(x)
    value.backward()
    return {"loss": value.reshape(()), "grad_x": x.grad}


def ours(given: Inputs, loss: Loss) -> Traces:
    """The same of a loss of snnctl; all steps of all samples are data."""
    length = torch.full(given["target"].shape[:1], len(given["x"]))
    return with_gradient(given, lambda x: loss(x, given["target"], length))
