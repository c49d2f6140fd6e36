"""Where a circuit's populations go on a Xylo core, and how much later than in the circuit they run there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.targets.plan import Misfit


@dataclass(frozen=True)
class Placement:
    """Populations on a core: hidden neurons in one row, then output neurons.

    Args:
        first: hidden population -> its first neuron, in order.
        sizes: population -> neurons, the output population too.
        output: population of the output neurons.
        entered: hidden neurons, from the first on, that can take input (input expansion).
        left: hidden neurons, up to the last, that can reach output neurons (output expansion).
        latency: population -> steps by which it is later on the core than in the circuit.
    """

    first: Mapping[str, int]
    sizes: Mapping[str, int]
    output: str
    entered: int
    left: int
    latency: Mapping[str, int]

    @property
    def hidden(self) -> int:
        """Hidden neurons."""
        return sum(self.sizes[name] for name in self.first)

    @property
    def longest(self) -> int:
        """Steps that the core runs after the last input."""
        return max(self.latency.values())

    def span(self, name: str) -> slice:
        """The hidden neurons of a population."""
        return slice(self.first[name], self.first[name] + self.sizes[name])


def place(circuit: Circuit) -> tuple[Placement | None, list[Misfit]]:
    """The placement of a circuit, None where it has no such form, and every reason why not."""
    found = list(_outputs(circuit))
    if found:
        return None, found
    output = circuit.into(OUTPUT)[0].source
    hidden = [name for name in circuit.names if name != output]
    sizes = {name: math.prod(circuit.shapes[name]) for name in circuit.names}
    order, entered, left = _order(circuit, hidden, output, sizes)
    latency, found = _latency(circuit, output)
    first, start = {}, 0
    for name in order:
        first[name] = start
        start += sizes[name]
    return Placement(first, sizes, output, entered, left, latency), found


def _outputs(circuit: Circuit) -> list[Misfit]:
    """Whether one population without feedback, behind others, gives the output."""
    into = circuit.into(OUTPUT)
    if len(into) != 1:
        names = ", ".join(p.source for p in into)
        return [Misfit("output", f"{len(into)} projections end there ({names})", "the core has one layer of outputs")]
    last = into[0]
    if last.layers or last.source == INPUT:
        hint = "end in neurons: neuron@network.readout=li network.readout.tau_syn=... (s), or cuba_lif"
        return [Misfit(last.title, "the network does not end in neurons", hint)]
    found = []
    for p in circuit.out_of(last.source):
        if p is not last:
            problem = f"output neurons project to {p.target} ({p.title})"
            found.append(Misfit(last.source, problem, "the core's output neurons reach nothing"))
    for p in circuit.into(last.source):
        if p.source == INPUT:
            problem = "the input reaches output neurons without hidden ones between"
            found.append(Misfit(p.title, problem, "put a layer of neurons between"))
    return found


def _order(circuit: Circuit, hidden: list[str], output: str, sizes: Mapping[str, int]) -> tuple[list[str], int, int]:
    """Hidden populations in order, and the neurons of the two expansions: those that take input come first and those
    that reach the output last. Where some do both, those that do neither lie in one of the two: in the smaller."""
    takes = {p.target for p in circuit.out_of(INPUT)}
    gives = {p.source for p in circuit.into(output)}
    both = [name for name in hidden if name in takes and name in gives]
    entry = [name for name in hidden if name in takes and name not in gives]
    leave = [name for name in hidden if name in gives and name not in takes]
    neither = [name for name in hidden if name not in takes and name not in gives]

    def neurons(names: list[str]) -> int:
        return sum(sizes[name] for name in names)

    entered, left = neurons(entry + both), neurons(both + leave)
    if not both:
        return entry + neither + leave, entered, left
    if entered <= left:
        return entry + neither + both + leave, entered + neurons(neither), left
    return entry + both + neither + leave, entered, left + neurons(neither)


def _latency(circuit: Circuit, output: str) -> tuple[dict[str, int], list[Misfit]]:
    """Steps by which each population is late. A spike takes one step from hidden neurons on, none from the input:

        latency[target] = latency[source] + steps on the core - steps in the circuit

    which must be the same along every projection into a target.
    """
    latency = {INPUT: 0}
    for _ in circuit.names:
        for p in circuit.projections:
            if p.source in latency and p.target != OUTPUT:
                latency.setdefault(p.target, latency[p.source] + _late(circuit, p))
    found = []
    for p in circuit.projections:
        if p.target == OUTPUT:
            continue
        if p.source not in latency:
            found.append(Misfit(p.source, "no input reaches it", "connect it, or leave it out"))
            continue
        wrong = latency[p.source] + _late(circuit, p) - latency[p.target]
        if wrong:
            problem = f"its spikes come {abs(wrong)} step{'s' if abs(wrong) > 1 else ''} "
            problem += f"{'later' if wrong > 0 else 'earlier'} to {p.target} than others, on the core"
            fits = f"it a delay of {p.delay + wrong}" if p.delay + wrong >= 0 else f"the others {-wrong} more"
            takes = "none" if p.source == INPUT else "one"
            found.append(Misfit(p.title, problem, f"give {fits} steps: this one takes {takes} on the core"))
    early = [name for name in circuit.names if latency.get(name, 0) < 0]
    for name in early:
        problem = f"the core runs it {-latency[name]} steps earlier than the network"
        found.append(Misfit(name, problem, "leave out delays behind the input, and synapse: next_step there"))
    late = latency.get(output, 0) - (circuit.into(OUTPUT)[0].delay if output in latency else 0)
    latency[OUTPUT] = late
    if late < 0:
        found.append(Misfit("output", f"a delay of {-late} steps more than the core takes", "leave the delay out"))
    del latency[INPUT]
    return latency, found


def _late(circuit: Circuit, p: Projection) -> int:
    """Steps that a projection is later on the core."""
    waits = getattr(circuit.populations[p.target], "synapse", None) == "next_step"
    return (0 if p.source == INPUT else 1) - p.delay - int(waits)
