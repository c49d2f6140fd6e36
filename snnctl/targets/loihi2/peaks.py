"""How large a layer's input, current and membrane become: over samples, or at worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.circuits import INPUT
from snnctl.neurons.neuron import Neuron
from snnctl.targets.loihi2.conventions import single, synaptic_decay
from snnctl.targets.loihi2.cores import BIAS
from snnctl.targets.loihi2.layer import Part


class Peaks(NamedTuple):
    """In the unit of the layer's threshold."""

    a: float  # sum of a step's synapses
    u: float  # synaptic current
    v: float  # membrane of a readout; 0 where it fires


def peaks(
    parts: Sequence[Part],
    neuron: Neuron,
    bias: Tensor,
    dt: float,
    traced: Mapping[str, Tensor] | None,
    name: str,
    headroom: float,
    most: float,
) -> Peaks:
    """The largest values that have to fit.

    Args:
        parts: what arrives. bias: added to v at every step, (N,).
        traced: what the input and every population gave, (T, B, ...); None: all sources fire at every step.
        name: of the population. headroom: how much larger than in `traced` they may become, up to that worst case.
        most: largest input.
    """
    coefs = neuron.coefficients(dt)
    synapse = synaptic_decay(coefs)
    kept = 0.0 if synapse is None else single(synapse)
    leak = 1 - single(getattr(coefs, "decay", 1.0))
    a = max(sum(part.weight.abs().sum(1) * (most if part.source == INPUT else 1) for part in parts).max().item(), 1e-30)
    worst = Peaks(a, a / (1 - kept), 0.0)
    if not neuron.spiking:
        drive = worst.u + bias.abs().max().item()
        worst = worst._replace(v=drive / leak if leak else math.inf)
    if traced is None:
        return worst
    seen = _seen(parts, kept, traced)
    if not neuron.spiking:
        rest = torch.as_tensor(neuron.v_rest, dtype=torch.float32)
        seen = seen._replace(v=(traced[name] - rest).abs().max().item())
    return Peaks(*(min(headroom * s, w) if s else w for s, w in zip(seen, worst, strict=True)))


def _seen(parts: Sequence[Part], kept: float, traced: Mapping[str, Tensor]) -> Peaks:
    """The largest input and current over the samples."""
    given = traced[INPUT]
    a: Tensor = torch.zeros(())
    for part in parts:
        s = given.new_ones(*given.shape[:2], 1) if part.source == BIAS else traced[part.source].flatten(2)
        sent = s[: max(len(s) - part.delay, 0)].float() @ part.weight.float().T
        a = a + torch.cat([sent.new_zeros(len(s) - len(sent), *sent.shape[1:]), sent])
    if not kept:
        return Peaks(a.abs().max().item(), a.abs().max().item(), 0.0)
    u, largest = torch.zeros_like(a[0]), torch.zeros_like(a[0])
    for step in a:
        u = kept * u + step
        largest = torch.maximum(largest, u.abs())
    return Peaks(a.abs().max().item(), largest.max().item(), 0.0)
