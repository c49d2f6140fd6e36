"""A circuit: populations of neurons and the projections between them, run in steps of dt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snnctl.circuits.order import groups
from snnctl.circuits.projection import Projection
from snnctl.circuits.telling import Told, tell, watched
from snnctl.errors import UserError
from snnctl.neurons.neuron import Neuron
from snnctl.neurons.sequence import precision, stack

INPUT, OUTPUT = "input", "output"


class CircuitState(NamedTuple):
    """Between two steps."""

    populations: dict[str, NamedTuple]  # state of each population's neurons
    past: dict[str, Tensor]  # last outputs (K, B, ...) of each population that projects with a delay, oldest first


class Circuit(nn.Module):
    """Populations p of neurons f_p, joined by projections P:

        y_p[t] = f_p( sum over P into p of P(y_source[t - delay]) ),   y = 0 before the first step

    y of "input" is what the circuit is given; what arrives at "output" is what it gives.

    Args:
        populations: name -> neurons; they are put in an order in which projections without a delay lead forward.
        projections: between them.
        shapes: name -> shape of one step without the batch, for every population, for "input" and for "output".
        dt: step width, s.
        assumed: conventions that the file left open, in words, for reports.

    Raises:
        UserError: a projection names no population, or a cycle has no delay.
    """

    temporal = True

    def __init__(
        self,
        populations: Mapping[str, Neuron],
        projections: Iterable[Projection],
        shapes: Mapping[str, Sequence[int]],
        dt: float,
        assumed: Sequence[str] = (),
    ):
        super().__init__()
        self.projections = nn.ModuleList(projections)
        direct = [(p.source, p.target) for p in self.projections if not p.delay]
        order = groups(tuple(populations), direct)
        self.names = tuple(name for group in order for name in group)
        self.neurons = nn.ModuleList(populations[name] for name in self.names)
        self.shapes = {name: tuple(int(n) for n in shape) for name, shape in shapes.items()}
        self.dt, self.assumed = float(dt), tuple(assumed)
        for projection in self.projections:
            for end in (projection.source, projection.target):
                if end not in (*self.names, INPUT, OUTPUT):
                    raise UserError(f"a projection names no population {end!r}")
        if any(len(group) > 1 or (group[0], group[0]) in direct for group in order):
            raise UserError("a cycle of projections has no delay", "a neuron cannot see its own spike in the same step")
        every = [(p.source, p.target) for p in self.projections]
        self.order = groups(self.names, every)  # populations that must be run together, step by step

    @property
    def populations(self) -> dict[str, Neuron]:
        """Name -> neurons, in order."""
        return dict(zip(self.names, self.neurons, strict=True))

    @property
    def shape_out(self) -> tuple[int, ...]:
        """One time step of the output without the batch."""
        return self.shapes[OUTPUT]

    @torch.no_grad()
    def walk(self) -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
        """(name, layer, shape after it at one step) of the layers of all projections and of all populations, in order.

        A layer that stands in several projections comes once; another of the same name has its source's name too.
        """
        seen: set[int] = set()
        names: set[str] = set()
        for target in (*self.names, OUTPUT):
            for p in self.into(target):
                like = next(self.parameters(), torch.zeros(())).device
                y = torch.zeros(1, *self.shapes[p.source], device=like)
                for name, layer in p.named_layers().items():
                    y = type(layer).forward(layer, y)
                    name = f"{name} of {p.source}" if name in names else name
                    if id(layer) not in seen:
                        yield name, layer, tuple(y.shape[1:])
                        names.add(name)
                    seen.add(id(layer))
            if target != OUTPUT:
                yield target, self.populations[target], self.shapes[target]

    def into(self, name: str) -> list[Projection]:
        """The projections that a population, or the output, receives."""
        return [p for p in self.projections if p.target == name]

    def out_of(self, name: str) -> list[Projection]:
        """The projections that a population, or the input, sends."""
        return [p for p in self.projections if p.source == name]

    def forward(
        self, x: Tensor, state: CircuitState | None = None, *, dt: float | None = None
    ) -> tuple[Tensor, CircuitState]:
        """Run over a sequence.

        Args:
            x: (T, B, *shapes["input"]).
            state: as returned by the call before; None starts at rest.
            dt: the circuit's own; another is an error.

        Returns:
            out (T, B, *shapes["output"]), and the state after the last step.

        Raises:
            UserError: dt is another than the circuit was built at.
        """
        out, state, _ = self.trace(x, state, dt=dt)
        return out, state

    def trace(
        self, x: Tensor, state: CircuitState | None = None, *, dt: float | None = None
    ) -> tuple[Tensor, CircuitState, dict[str, Tensor]]:
        """As `forward`, and what every population gave: name -> (T, B, *shape)."""
        if dt is not None and dt != self.dt:
            raise UserError(
                f"the circuit was built for dt = {self.dt:g} s, not {dt:g} s", f"set   dataset.dt={self.dt:g}"
            )
        given = x.to(precision(x))
        before = {} if state is None else state.populations
        past = {} if state is None else state.past
        outs, after = {INPUT: given}, {}
        for group in self.order:
            if len(group) == 1 and not any(p.source == group[0] for p in self.into(group[0])):
                name = group[0]
                arrived = sum(self._sent(p, outs[p.source], past) for p in self.into(name))
                outs[name], after[name] = self.populations[name](arrived, before.get(name), dt=self.dt)
            else:
                self._together(group, outs, before, past, after)
        out = sum(self._sent(p, outs[p.source], past) for p in self.into(OUTPUT))
        kept = {name: self._kept(outs[name], steps, past.get(name)) for name, steps in self.longest_delays().items()}
        return out, CircuitState(after, kept), {name: outs[name] for name in self.names}

    def _together(self, group, outs, before, past, after) -> None:
        """Run the populations of a cycle step by step."""
        outside = {
            name: [self._sent(p, outs[p.source], past) for p in self.into(name) if p.source not in group]
            for name in group
        }
        neurons = self.populations
        coefs = {name: neurons[name].coefficients(self.dt) for name in group}
        states = {name: before.get(name) for name in group}
        given = outs[INPUT]
        steps: dict[str, list[Tensor]] = {name: [] for name in group}
        told, inputs = Told(), {name: [] for name in group if watched(neurons[name])}
        for t in range(len(given)):
            for name in group:
                arrived = [whole[t] for whole in outside[name]]
                for p in self.into(name):
                    if p.source in group:
                        y = self._earlier(p, steps[p.source], t, given, past)
                        for layer in p.layers:
                            y = told.step(layer, y)
                        arrived.append(y)
                x = sum(arrived)
                state = neurons[name].initial_state(x) if states[name] is None else states[name]
                y, states[name] = neurons[name].step(x, state, coefs[name])
                steps[name].append(y)
                if name in inputs:
                    inputs[name].append(x)
        told.tell()
        for name in group:
            outs[name], after[name] = stack(steps[name]), states[name]
            if name in inputs:
                x = stack(inputs[name])
                outs[name] = tell(neurons[name], x, before.get(name), outs[name], after[name], self.dt)

    def _earlier(self, p: Projection, steps: list[Tensor], t: int, given: Tensor, past: dict[str, Tensor]) -> Tensor:
        """What a projection's source gave `delay` steps before step t, (B, ...)."""
        if t >= p.delay:
            return steps[t - p.delay]
        if p.source in past:
            return past[p.source][len(past[p.source]) + t - p.delay]
        return given.new_zeros(given.shape[1], *self.shapes[p.source])

    def _sent(self, p: Projection, y: Tensor, past: dict[str, Tensor]) -> Tensor:
        """What a projection delivers over all steps, (T, B, *target)."""
        if p.delay:
            y = torch.cat([self._kept(y[:0], p.delay, past.get(p.source)), y])[: len(y)]
        return p(y.flatten(0, 1)).unflatten(0, y.shape[:2])

    def longest_delays(self) -> dict[str, int]:
        """Steps of the longest delay of each source."""
        longest: dict[str, int] = {}
        for p in self.projections:
            if p.delay:
                longest[p.source] = max(p.delay, longest.get(p.source, 0))
        return longest

    @staticmethod
    def _kept(y: Tensor, steps: int, past: Tensor | None) -> Tensor:
        """The last `steps` outputs, older ones than the first step being 0 or those of the call before."""
        past = y.new_zeros(steps, *y.shape[1:]) if past is None else past
        both = torch.cat([past, y])
        return both[len(both) - steps :]

    def extra_repr(self) -> str:
        return f"dt={self.dt:g} s, input {self.shapes[INPUT]}, output {self.shapes[OUTPUT]}"
