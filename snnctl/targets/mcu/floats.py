"""A circuit in float32, summed in the order in which the generated C sums: the same numbers to the last bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.targets.mcu.synapses import bias_of, checked
from snnctl.targets.mcu.wiring import Wiring, arranged, core_weights, wiring
from snnctl.targets.target import Traces


@dataclass(frozen=True)
class FloatSynapses:
    """A projection in float32.

    Args:
        weights: in the wiring's order.
        size: values of the target.
    """

    projection: Projection
    wiring: Wiring
    weights: Tensor
    size: int

    def add(self, s: Tensor, a: Tensor) -> None:
        """Add to a (M, size) what arrives of s (M, *source), source by source in order."""
        from snnctl.targets.mcu.scatter import scatter, tables

        w = self.wiring
        where = tables(w)
        flat = s.reshape(len(s), -1).contiguous().numpy()
        scatter(w.kind, flat, self.weights.flatten().numpy(), a.numpy(), w.source, w.target, w.weights, w.groups, where)


class Floats:
    """A circuit in float32.

    Args:
        circuit: of the network.

    Raises:
        UserError: weights that are not finite, or all zero.
    """

    def __init__(self, circuit: Circuit):
        self.circuit = circuit
        self.sample: Tensor | None = None  # inputs to count instructions on
        self.synapses: dict[str, list[FloatSynapses]] = {}
        self.bias: dict[str, Tensor] = {}
        for name in (*circuit.names, OUTPUT):
            shape = circuit.shapes[name]
            self.synapses[name] = [self._synapses(p, shape) for p in circuit.into(name)]
            self.bias[name] = bias_of(circuit, name).float()

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input)."""
        with torch.no_grad():
            outs = {INPUT: x.float().cpu()}
            for group in self.circuit.order:
                self._together(group, outs)
            steps, batch = x.shape[:2]
            out = torch.stack([self._arrived(OUTPUT, t, outs, batch) for t in range(steps)])
            return Traces(out.to(x.device), {name: outs[name].to(x.device) for name in self.circuit.names})

    def facts(self) -> dict[str, Any]:
        return {"numbers": "float32"}

    def _together(self, group: tuple[str, ...], outs: dict[str, Any]) -> None:
        steps, batch = outs[INPUT].shape[:2]
        neurons = self.circuit.populations
        coefs = {name: neurons[name].coefficients(self.circuit.dt) for name in group}
        states = {name: neurons[name].initial_state(torch.zeros(batch, *self.circuit.shapes[name])) for name in group}
        for name in group:
            outs[name] = []
        for t in range(steps):
            for name in group:
                y, states[name] = neurons[name].step(self._arrived(name, t, outs, batch), states[name], coefs[name])
                outs[name].append(y)
        for name in group:
            outs[name] = torch.stack(outs[name])

    def _arrived(self, name: str, t: int, outs: dict[str, Any], batch: int) -> Tensor:
        """The input of a population, or the output, at step t: (B, *shape)."""
        shape = self.circuit.shapes[name]
        a = torch.zeros(batch, math.prod(shape))
        for s in self.synapses[name]:
            at = t - s.projection.delay
            if at >= 0:
                s.add(outs[s.projection.source][at], a)
        return a.view(batch, *shape) + self.bias[name]

    def _synapses(self, p: Projection, shape: tuple[int, ...]) -> FloatSynapses:
        source = self.circuit.shapes[p.source]
        w = wiring(p, source, shape)
        weights = arranged(core_weights(p, w, source), w)
        return FloatSynapses(p, w, checked(weights, p), math.prod(shape))
