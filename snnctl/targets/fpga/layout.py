"""In which order the core works through a circuit, and how large its memories are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from snnctl.circuits import INPUT, OUTPUT, Circuit, Projection
from snnctl.targets.fpga.cells import misfits as of_neurons
from snnctl.targets.plan import Misfit

BRAM = 4096  # bits of a block RAM, at most 16 wide: 256 x 16, 512 x 8
SPAN = 4  # clocks of a row at least: a membrane is written before it is read again
RING_CELLS = 1.35  # logic cells of a spiking neuron: a flip-flop, and its share of the control
QUEUE = 512  # bytes received that wait, at least


@dataclass(frozen=True)
class Synapses:
    """One operation of the core: spikes of a source add weights to a population's membranes.

    Args:
        title: of the projection, for messages.
        source: population, "input", or None for a source that fires in every step (the bias).
        target: population.
        sources, targets: numbers of neurons.
        delay: 0: the spikes of this step; 1: of the step before.
        projections: of the circuit, by number; several for a bias.
    """

    title: str
    source: str | None
    target: str
    sources: int
    targets: int
    delay: int
    projections: tuple[int, ...]

    @property
    def weights(self) -> int:
        """Bytes in the weights' memory."""
        return self.sources * self.targets

    @property
    def span(self) -> int:
        """Clocks of one event."""
        return max(self.targets, SPAN)


@dataclass(frozen=True)
class Layout:
    """A circuit in the core's order.

    Args:
        sizes: population -> neurons, in the order of updates.
        firing: populations that spike.
        operations: in order; a str updates that population.
        inputs, outputs: numbers of channels.
        output: the population that is given out.
    """

    sizes: dict[str, int]
    firing: tuple[str, ...]
    operations: tuple[Synapses | str, ...]
    inputs: int
    outputs: int
    output: str

    @property
    def synapses(self) -> tuple[Synapses, ...]:
        return tuple(o for o in self.operations if isinstance(o, Synapses))

    def first(self, name: str) -> int:
        """Address of a population's first membrane."""
        names = list(self.sizes)
        return sum(self.sizes[n] for n in names[: names.index(name)])

    @property
    def neurons(self) -> int:
        return sum(self.sizes.values())

    @property
    def weights(self) -> int:
        return sum(s.weights for s in self.synapses)

    @property
    def queue_bits(self) -> int:
        """Address width of the queue of received bytes: a step's counts and a rest fit."""
        return math.ceil(math.log2(max(QUEUE, self.inputs + 2)))

    def output_bytes(self, state_bits: int) -> int:
        """Bytes sent for an output and step."""
        return 1 if self.output in self.firing else math.ceil(state_bits / 8)

    def block_rams(self, state_bits: int) -> dict[str, int]:
        """Memory -> block RAMs."""
        return {
            "weights": math.ceil(self.weights * 8 / BRAM),
            "membranes": _wide(self.neurons, state_bits),
            "outputs": _wide(self.outputs, 8 * self.output_bytes(state_bits)),
            "queue": math.ceil(2**self.queue_bits * 8 / BRAM),
        }


def _wide(words: int, bits: int) -> int:
    """Block RAMs for words of a width: of 16 bits at 256 words, 8 at 512, 4 at 1,024 and 2 at 2,048."""
    return min(math.ceil(bits / width) * math.ceil(words * width / BRAM) for width in (2, 4, 8, 16))


def layout(circuit: Circuit) -> Layout:
    """The order for a circuit without misfits: what was delayed first, then each population's arrivals and update."""
    size = {name: math.prod(shape) for name, shape in circuit.shapes.items()}
    number = {id(p): i for i, p in enumerate(circuit.projections)}
    operations: list[Synapses | str] = []

    def add(p: Projection) -> None:
        operations.append(
            Synapses(p.title, p.source, p.target, size[p.source], size[p.target], p.delay, (number[id(p)],))
        )

    for name in circuit.names:
        for p in circuit.into(name):
            if p.delay:
                add(p)
    for name in circuit.names:
        biased = [p for p in circuit.into(name) if has_bias(p)]
        if biased:
            title = f"bias of {', '.join(p.title for p in biased)}"
            numbers = tuple(number[id(p)] for p in biased)
            operations.append(Synapses(title, None, name, 1, size[name], 0, numbers))
        for p in circuit.into(name):
            if not p.delay:
                add(p)
        operations.append(name)
    firing = tuple(name for name in circuit.names if circuit.populations[name].spiking)
    output = circuit.into(OUTPUT)[0].source
    sizes = {name: size[name] for name in circuit.names}
    return Layout(sizes, firing, tuple(operations), size[INPUT], size[OUTPUT], output)


def logic_cells(placed: Layout, state_bits: int, terms: int) -> int:
    """Logic cells, an estimate that lay 0 to 20 % above what nextpnr placed for eight networks of up to 200 neurons.

    Args:
        terms: stages of the leak.
    """
    rings = RING_CELLS * sum(placed.sizes[n] for n in placed.firing)
    membranes = state_bits * (8 + 2.6 * terms)
    memories = 12 * math.ceil(placed.weights * 8 / BRAM)  # choose between block RAMs
    return math.ceil(350 + rings + membranes + memories + 12 * len(placed.operations))


def has_bias(p: Projection) -> bool:
    """Whether a projection adds a constant."""
    return any(getattr(layer, "bias", None) is not None for layer in p.layers if isinstance(layer, nn.Module))


def misfits(circuit: Circuit) -> list[Misfit]:
    """Why the core cannot run a circuit, its sizes aside; empty where it can."""
    found = [m for name, neuron in circuit.populations.items() for m in of_neurons(name, neuron)]
    for p in circuit.projections:
        found += _of_projection(circuit, p)
    inputs, outputs = circuit.out_of(INPUT), circuit.into(OUTPUT)
    if len(inputs) != 1:
        titles = ", ".join(p.title for p in inputs) or "none"
        found.append(
            Misfit("input", f"{len(inputs)} projections ({titles}), the core reads it once", "join them in one")
        )
    if len(outputs) != 1:
        found.append(Misfit("output", f"{len(outputs)} projections, the core gives one population", "leave one"))
    return found


def _of_projection(circuit: Circuit, p: Projection) -> Iterator[Misfit]:
    if p.target == OUTPUT:
        if p.source == INPUT:
            yield Misfit("output", "is the input itself", "put a population of neurons between")
        if p.layers or p.delay:
            yield Misfit(p.title, "layers or a delay after the last neurons", "end in network.readout=li, or lif")
        return
    if p.source == INPUT:
        if p.delay:
            yield Misfit(p.title, f"the input is delayed by {p.delay} steps, the core by none", "set the delay to 0")
    elif p.delay > 1:
        yield Misfit(p.title, f"a delay of {p.delay} steps, the core keeps spikes for 1", "set the delay to 0 or 1")
    if p.source != INPUT and not circuit.populations[p.source].spiking:
        kind = type(circuit.populations[p.source]).__name__
        yield Misfit(p.source, f"{kind} does not spike but feeds {p.target}, the core sends spikes", "set neuron=lif")
