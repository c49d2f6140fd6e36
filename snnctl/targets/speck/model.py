"""The network on the chip, in integers and in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT
from snnctl.errors import UserError
from snnctl.targets.speck.integers import Layer
from snnctl.targets.target import Traces


class SpeckModel:
    """Layers of integers, each run in steps of dt.

    The chip has no steps: a core takes event after event, and fires once for an event that brings v to threshold. Here
    all events of a step arrive together, and v fires for every whole threshold that it holds. The two differ where v
    crosses the threshold and comes back within a step, where it is cut at the low threshold between two events, and
    where a weight alone is above the threshold.

    Args:
        layers: each after those that it gets its spikes from.
        output: name of the layer whose spikes are the output.
        shape: of the input, and of the output, at one step.
        errors: layer -> rounding errors of its weights and threshold, shares.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        output: str,
        shapes: tuple[tuple[int, ...], tuple[int, ...]],
        errors: dict[str, tuple[float, float]] | None = None,
    ):
        self.layers, self.output, self.shapes, self.errors = tuple(layers), output, shapes, errors or {}

    @torch.no_grad()
    def run(self, x: Tensor) -> Traces:
        """From rest over events x (T, B, *input), whole numbers of them.

        Raises:
            UserError: x holds what is no number of events.
        """
        check_events(x)
        x = x.detach()
        steps, batch = x.shape[:2]
        spikes: dict[str, Tensor] = {INPUT: x}
        for layer in self.layers:
            given = [spikes[source.name] for source in layer.sources]
            sent = torch.empty(steps, batch, *layer.shape, device=x.device)
            v = torch.zeros(batch, *layer.convolution.outputs, dtype=torch.float64, device=x.device)
            for t in range(steps):
                n, v = layer.step(v, layer.current([s[t] for s in given]))
                sent[t] = n.view(batch, *layer.shape)
            spikes[layer.name] = sent
        del spikes[INPUT]
        return Traces(spikes[self.output].reshape(steps, batch, *self.shapes[1]), spikes)

    def facts(self) -> dict[str, Any]:
        """The worst of all layers, and of each its scale, thresholds, largest weight, and what rounding did to it."""
        layers = {layer.name: self._layer_facts(layer) for layer in self.layers}
        worst = max((of_weights for of_weights, _ in self.errors.values()), default=0.0)
        above = sum(said["weights above threshold"] for said in layers.values())
        return {"largest rounding error of weights, %": 100 * worst, "weights above threshold": above, **layers}

    def _layer_facts(self, layer: Layer) -> dict[str, Any]:
        weight, bias = layer.convolution.weight, layer.convolution.bias
        of_weights, of_threshold = self.errors.get(layer.name, (0.0, 0.0))
        return {
            "scale": layer.scale,
            "threshold": layer.threshold,
            "low threshold": layer.low,
            "largest weight": int(weight.abs().max()),
            "largest bias": 0 if bias is None else int(bias.abs().max()),
            "largest rounding error of weights, %": 100 * of_weights,
            "rounding error of threshold, %": 100 * of_threshold,
            "weights above threshold": int((weight > layer.threshold).sum()),
            "weights of 0": int((weight == 0).sum()),
        }


def check_events(x: Tensor) -> None:
    """Raises a UserError unless x holds whole numbers of events, 0 and above."""
    if not bool(((x >= 0) & (x == x.round())).all()):
        raise UserError(
            "the chip's input are events, and this input has values that are no whole number of them",
            "choose an encoding that gives spikes or counts, such as encoding=poisson",
        )
