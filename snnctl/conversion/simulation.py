"""The spiking network before it is built: the ANN's operations over time, its activations replaced by neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from snnctl.conversion.analog import Analog, Node
from snnctl.conversion.pooling import spiking_pool
from snnctl.networks.folding import over_time
from snnctl.neurons import IF, STBIF, Neuron

Shift = Literal["bias", "membrane", "none"]


@dataclass(frozen=True)
class Dynamics:
    """What a converted neuron does, in units of its threshold.

    Args:
        T: time steps.
        shift: half a threshold in advance, which rounds the count instead of cutting it off (Deng, Gu 2021,
            arXiv:2103.00476; Bu et al. 2022, arXiv:2202.01440): from the beginning in the "membrane", or over the T
            steps in the "bias".
        max_spikes: most spikes a step; None for no limit.
        v_min: floor of the membrane, thresholds, at most 0; None for none.
        signed: a neuron that has fired too often takes spikes back (STBIF).
        gain: the ANN's frame over the mean of the sequence: T where the frame is the sum; 1 for an input constant in
            time.
    """

    T: int
    shift: Shift = "bias"
    max_spikes: int | None = 1
    v_min: float | None = None
    signed: bool = False
    gain: float = 1.0

    def arguments(
        self, threshold: float | list[float] = 1.0, shifted: bool = False
    ) -> tuple[type[Neuron], dict[str, Any]]:
        """The neuron's class, and the arguments that are not its defaults.

        Args:
            threshold: unit of its input.
            shifted: the half is in the bias of a layer before it.
        """
        options: dict[str, Any] = {"threshold": threshold}
        if isinstance(threshold, list):
            options["per"] = "channel"
        if self.signed:
            return STBIF, {**options, "levels": self.T + 1}
        if self.max_spikes != 1:
            options["max_spikes"] = self.max_spikes
        if self.shift != "none" and not shifted:
            options["rounding"] = "nearest"
        if self.v_min is not None:
            lowest = min(threshold) if isinstance(threshold, list) else threshold
            options["v_min"] = self.v_min * lowest
        return IF, options


def simulate(
    graph: Analog, x: Tensor, thresholds: Mapping[str, Tensor], dynamics: Dynamics
) -> Iterator[tuple[Node, Tensor]]:
    """Run the spiking network in the ANN's units: a spike is worth its neuron's threshold.

    Args:
        graph: the ANN, folded.
        x: (T, B, *shape); its mean over time, times `dynamics.gain`, is the ANN's frame.
        thresholds: of each activation, as of `thresholds`; those of activations that are not reached may be missing.
        dynamics: of the neurons.

    Yields:
        Each operation with what it gives, (T, B, ...).
    """

    def apply(node: Node, xs: list[Tensor]) -> Tensor:
        if node.kind == "activation":
            return fire(xs[0], thresholds[node.name], dynamics)
        if node.kind == "maximum":
            return spiking_pool(node)(xs[0], dt=1.0)[0]
        if len(xs) > 1:
            return node(*(x.flatten(0, 1) for x in xs)).unflatten(0, x.shape[:2])
        return over_time(node.layer, xs[0])

    with torch.no_grad():
        yield from graph.values(x if dynamics.gain == 1 else dynamics.gain * x, apply)


def fire(z: Tensor, threshold: Tensor, dynamics: Dynamics) -> Tensor:
    """Spikes times threshold, (T, B, ...), of the currents z (T, B, ...); threshold () or (C,)."""
    threshold = threshold.view(-1, *[1] * (z.dim() - 3)) if threshold.dim() else threshold
    kind, options = dynamics.arguments(shifted=dynamics.shift == "bias")
    given = z / threshold
    if dynamics.shift == "bias" and not dynamics.signed:
        given = given + 0.5 / dynamics.T
    return kind(**options)(given, dt=1.0)[0] * threshold
