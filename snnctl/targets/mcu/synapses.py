"""A projection in whole numbers: int8 weights and the scale that they share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, Circuit, Projection
from snnctl.errors import UserError
from snnctl.targets.mcu.inputs import Inputs
from snnctl.targets.mcu.wiring import Wiring, arranged, core_weights, layers_with, wiring

WEIGHT = 127
REACH = 1 << 30  # of a sum in 32 bits, with room for rounding


@dataclass(frozen=True)
class Synapses:
    """A projection in whole numbers: what arrives is 2^shift times the sum of weights that the wiring names.

    Args:
        weights: int8, in the wiring's order.
        layers: the same as layers of torch, (B, *source) -> (B, *target), exact.
        shift: to the scale of the target's accumulator.
        scale: what a weight of 1 stands for.
        error: largest rounding error of a weight, a share of the largest weight.
    """

    projection: Projection
    wiring: Wiring
    weights: Tensor
    layers: nn.Module
    shift: int
    scale: float
    error: float

    def arriving(self, s: Tensor) -> Tensor:
        """What arrives, int64; s (M, *source) are whole numbers."""
        dtype = next((t.dtype for t in (*self.layers.parameters(), *self.layers.buffers())), torch.float32)
        return self.layers(s.to(dtype)).long() << self.shift


def synapses_into(circuit: Circuit, name: str, inputs: Inputs) -> tuple[list[Synapses], float, int]:
    """The projections into a population, which share a scale but for powers of two.

    Returns:
        The projections; what an accumulator of 1 stands for; and the largest magnitude that the accumulator can have.

    Raises:
        UserError: weights that are not finite, or all zero; a sum that 32 bits cannot hold.
    """
    found, scales = [], []
    for p in circuit.into(name):
        shape = circuit.shapes[p.source]
        w = wiring(p, shape, circuit.shapes[name])
        weights = checked(core_weights(p, w, shape), p).double()
        high = weights.abs().max().item()
        alike = bool((weights.abs() == high).all())
        given = inputs.scale if p.source == INPUT else 1.0
        found.append((p, w, weights, given))
        scales.append(high * given / (1 if alike else WEIGHT))
    base, reach, made = min(scales), 0, []
    for (p, w, weights, given), least in zip(found, scales, strict=True):
        shift = max(0, math.ceil(math.log2(least / base) - 1e-9))
        scale = base * 2.0**shift / given
        q = (weights / scale).round().clamp(-WEIGHT, WEIGHT)
        most = _most(p, w, q, circuit, inputs)
        reach += most << shift
        exact = torch.float32 if most < 1 << 24 else torch.float64
        error = ((q * scale - weights).abs().max() / weights.abs().max()).item()
        layers = layers_with(q.to(exact), p, w)
        made.append(Synapses(p, w, arranged(q, w).to(torch.int8), layers, shift, scale, error))
    if reach >= REACH:
        problem = f"{name}: what arrives in a step can reach {reach:,} in units of the weights, more than 32 bits hold"
        raise UserError(problem, "set   target.numbers=float, or fewer inputs")
    return made, base, reach


def checked(weights: Tensor, p: Projection) -> Tensor:
    """The weights, if they are finite and not all zero.

    Raises:
        UserError: names the layer.
    """
    if not torch.isfinite(weights).all():
        raise UserError(f"{p.title}: weights are not finite", "train again, with a lower optimizer.lr")
    if not weights.any():
        raise UserError(f"{p.title}: the weights are all zero", "is it trained?   snnctl eval RUN")
    return weights


def bias_of(circuit: Circuit, name: str) -> Tensor:
    """What arrives at a population in every step without a spike, (*shape), float64.

    Raises:
        UserError: it is not finite.
    """
    with torch.no_grad():
        arriving = [p(torch.zeros(1, *circuit.shapes[p.source]))[0].double() for p in circuit.into(name)]
    bias = sum(arriving[1:], arriving[0]).reshape(circuit.shapes[name])
    if not torch.isfinite(bias).all():
        raise UserError(f"{name}: its bias is not finite", "train again, with a lower optimizer.lr")
    return bias


def _most(p: Projection, w: Wiring, q: Tensor, circuit: Circuit, inputs: Inputs) -> int:
    """The largest magnitude of what can arrive: every source at its largest, and all with one sign."""
    largest = inputs.largest if p.source == INPUT else 1
    every = torch.full((1, *circuit.shapes[p.source]), float(largest), dtype=torch.float64)
    return round(layers_with(q.abs(), p, w)(every).max().item())
