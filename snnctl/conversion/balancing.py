"""Where each layer's neurons fire: thresholds found on data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

from snnctl.conversion.analog import Analog, known_threshold
from snnctl.conversion.simulation import Dynamics, simulate
from snnctl.errors import UserError

Method = Literal["percentile", "maximum", "mse", "layerwise"]
KEPT = 1 << 20  # values of a layer that a percentile is taken of
SHARES = torch.linspace(0.05, 1.0, 96)  # of the maximum, tried as thresholds


def thresholds(
    graph: Analog,
    frames: Sequence[Tensor],
    sequences: Iterable[Tensor],
    method: Method,
    percentile: float,
    dynamics: Dynamics,
) -> dict[str, Tensor]:
    """A threshold for each activation, in the ANN's unit; one that was trained with an end keeps it.

        maximum      the largest activation on the data
        percentile   that percentile of the layer's activations: less than all, so that most fire more often
        mse          the threshold at which what T steps can give is nearest to the activations:
                     argmin sum (a - threshold / T clip(round(a T / threshold), 0, T))^2
        layerwise    from the first layer on, the largest input at any step, the layers before spiking already

    Args:
        graph: the ANN, folded.
        frames: batches (B, *shape) of data.
        sequences: the same data as the spiking network will see it, (T, B, *shape); read for layerwise only.
        method: how.
        percentile: above 0, up to 100.
        dynamics: of the neurons, and T.

    Returns:
        name -> () or (C,).

    Source: P. U. Diehl et al. 2015, doi:10.1109/IJCNN.2015.7280696 (maximum); B. Rueckauer et al. 2017,
    doi:10.3389/fnins.2017.00682 (percentile); A. Sengupta et al. 2019, doi:10.3389/fnins.2019.00095 (layerwise);
    S. Deng, S. Gu, ICLR 2021, arXiv:2103.00476 (what steps and ends cost).

    Raises:
        UserError: there is no data, or a layer is silent on it.
    """
    if not frames:
        raise UserError("there is no data to balance thresholds on", "set   convert.samples=1024, and a training part")
    ends = {node.name: end for node in graph.of("activation") if (end := known_threshold(node)) is not None}
    free = [node.name for node in graph.of("activation") if node.name not in ends]
    if method == "layerwise":
        found = _layer_by_layer(graph, sequences, ends, dynamics)
    else:
        found = {
            name: _chosen(values, method, percentile, dynamics.T)
            for name, values in _values(graph, frames, free).items()
        }
    for name, threshold in found.items():
        if not threshold > 0:
            raise UserError(
                f"layer {name} is silent on all {sum(map(len, frames))} samples", "give more   convert.samples=4096"
            )
    return {node.name: {**found, **ends}[node.name] for node in graph.of("activation")}


def _values(graph: Analog, frames: Sequence[Tensor], names: list[str]) -> dict[str, tuple[Tensor, Tensor]]:
    """Of each activation: values spread evenly over all, and the maximum."""
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    highest = {name: torch.zeros(()) for name in names}
    with torch.no_grad():
        for x in frames:
            for node, value in graph.values(x):
                if node.name in kept:
                    value = value.flatten()
                    step = max(1, value.numel() * len(frames) // KEPT)
                    kept[node.name].append(value[::step].clone())
                    highest[node.name] = torch.maximum(highest[node.name], value.max())
    return {name: (torch.cat(values), highest[name]) for name, values in kept.items()}


def _chosen(values: tuple[Tensor, Tensor], method: Method, percentile: float, steps: int) -> Tensor:
    activations, highest = values
    if method == "maximum":
        return highest
    if method == "percentile":
        place = min(len(activations) - 1, int(len(activations) * percentile / 100))
        return activations.kthvalue(place + 1).values
    candidates = SHARES * highest
    errors = [
        (activations - level / steps * (activations * steps / level).round().clamp(0, steps)).square().mean()
        for level in candidates
    ]
    return candidates[torch.stack(errors).argmin()]


def _layer_by_layer(
    graph: Analog, sequences: Iterable[Tensor], ends: dict[str, Tensor], dynamics: Dynamics
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for target in [node for node in graph.of("activation") if node.name not in ends]:
        highest = torch.zeros(())
        for x in sequences:
            known = {**found, **ends, target.name: torch.tensor(1.0)}
            for node, value in simulate(graph, x, known, dynamics):
                if node.name == target.sources[0]:
                    highest = torch.maximum(highest, value.max())
                    break
        found[target.name] = highest
    return found
