"""Biases corrected by what the spiking layers give less, or more, than the ANN's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from snnctl.conversion.analog import Analog, Node
from snnctl.conversion.folding import add_bias
from snnctl.conversion.simulation import Dynamics, simulate


def calibrate(
    ann: Analog,
    snn: Analog,
    frames: Sequence[Tensor],
    sequences: Iterable[Tensor],
    thresholds: Mapping[str, Tensor],
    dynamics: Dynamics,
) -> None:
    """Add to each channel's bias what its mean output lacks, from the first layer to the last, in place:

        b_c <- b_c + mean(ann_c) - mean_t(snn_c)

    Args:
        ann: what should come out.
        snn: a copy of it, whose biases change.
        frames, sequences: the same data as batches (B, *shape) and (T, B, *shape).
        thresholds, dynamics: of the neurons.

    Source: Y. Li et al., "A free lunch from ANN: towards efficient, accurate spiking neural networks calibration",
    ICML 2021, arXiv:2106.06984, section 4.1.
    """
    names = [node.name for node in ann.of("activation")]
    names += [ann.last] if ann.last not in names else []
    wanted = _means(ann.values(x) for x in frames)
    for name in names:
        node = snn.nodes[name]
        before = snn.nodes[node.sources[0]] if node.kind == "activation" else node
        carrier = snn.carrier(before.name)
        if carrier is None:
            continue
        got = _means(_until(name, simulate(snn, x, thresholds, dynamics)) for x in sequences)[name]
        add_bias(carrier.layer, (wanted[name] - got).float())


def _until(name: str, run: Iterator[tuple[Node, Tensor]]) -> Iterator[tuple[Node, Tensor]]:
    """One operation of a run, with its mean over time."""
    for node, value in run:
        if node.name == name:
            yield node, value.mean(0)
            return


def _means(runs: Iterable[Iterator[tuple[Node, Tensor]]]) -> dict[str, Tensor]:
    """Of each operation, the mean of each channel over the samples, (C,)."""
    sums: dict[str, Tensor] = {}
    samples = 0
    with torch.no_grad():
        for run in runs:
            for node, value in run:
                mean = value.double().flatten(2).mean(2) if value.dim() > 2 else value.double()
                sums[node.name] = sums.get(node.name, 0) + mean.sum(0)
                batch = len(value)
            samples += batch
    return {name: total / samples for name, total in sums.items()}
