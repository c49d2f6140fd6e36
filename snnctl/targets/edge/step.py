"""One time step of a circuit as a function of tensors: state in, state out."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.circuits.circuit import CircuitState
from snnctl.targets.target import Traces


class Heaviside(nn.Module):
    """A spike without a gradient: 1 where v >= 0, or v > 0 if strict."""

    def forward(self, v: Tensor, strict: bool = False) -> Tensor:
        """(B, ...) -> (B, ...)."""
        return (v > 0 if strict else v >= 0).to(v.dtype)


class Step(nn.Module):
    """One step of a circuit, `forward(x, *state) -> (out, *state)`, with every state a tensor of its own.

    Args:
        circuit: any whose neurons are pure steps.

    Attributes:
        names: of the states, in order: population.field, and population.past[k] for what is sent k steps later.
    """

    def __init__(self, circuit: Circuit):
        super().__init__()
        self.circuit = copy.deepcopy(circuit).requires_grad_(False).eval()
        for neuron in self.circuit.neurons:
            if getattr(neuron, "spiking", False):
                neuron.surrogate = Heaviside()
        populations, past = self._at_rest()
        self.fields = {name: [f for f in s._fields if getattr(s, f) is not None] for name, s in populations.items()}
        self.longest = {name: len(kept) for name, kept in past.items()}
        self.names = [f"{name}.{field}" for name, fields in self.fields.items() for field in fields]
        self.names += [f"{name}.past[{k}]" for name, steps in self.longest.items() for k in range(steps, 0, -1)]

    def _at_rest(self) -> CircuitState:
        circuit = self.circuit
        zero = {name: torch.zeros(1, *circuit.shapes[name]) for name in circuit.names}
        populations = {name: n.initial_state(zero[name]) for name, n in circuit.populations.items()}
        steps = circuit.longest_delays()
        return CircuitState(populations, {n: torch.zeros(k, 1, *circuit.shapes[n]) for n, k in steps.items()})

    def initial(self) -> list[Tensor]:
        """The states before the first step, each (1, ...), in the order of `names`."""
        populations, past = self._at_rest()
        states = [getattr(populations[name], field) for name, fields in self.fields.items() for field in fields]
        return states + [kept for name in self.longest for kept in past[name]]

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """x (B, *input) and the states, each (B, ...) -> out (B, *output) and the next states."""
        out, _, after = self.run(x, *state)
        return out, *after

    def run(self, x: Tensor, *state: Tensor) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
        """As `forward`: out, what each population gave, and the next states."""
        circuit, given = self.circuit, iter(state)
        before = {name: {field: next(given) for field in fields} for name, fields in self.fields.items()}
        past = {name: [next(given) for _ in range(steps)] for name, steps in self.longest.items()}
        outs, after = {INPUT: x}, []
        for name, neuron in circuit.populations.items():
            y, later = neuron.step(
                self._arrived(name, outs, past), neuron.State(**before[name]), neuron.coefficients(circuit.dt)
            )
            outs[name] = y
            after += [getattr(later, field) for field in self.fields[name]]
        out = self._arrived(OUTPUT, outs, past)
        for name, kept in past.items():
            after += [*kept[1:], outs[name]]
        del outs[INPUT]
        return out, outs, after

    def _arrived(self, name: str, outs: dict[str, Tensor], past: dict[str, list[Tensor]]) -> Tensor:
        return sum(p(past[p.source][-p.delay] if p.delay else outs[p.source]) for p in self.circuit.into(name))

    def over(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input), in torch."""
        states = [s.expand(x.shape[1], *s.shape[1:]) for s in self.initial()]
        outs, spikes = [], []
        for x_t in x:
            out, given, states = self.run(x_t, *states)
            outs.append(out)
            spikes.append(given)
        return Traces(torch.stack(outs), {name: torch.stack([s[name] for s in spikes]) for name in self.circuit.names})
