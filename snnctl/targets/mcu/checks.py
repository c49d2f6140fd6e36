"""What of a circuit cannot be computed on a microcontroller."""

from __future__ import annotations

from torch import nn

from snnctl.circuits import INPUT, OUTPUT, Circuit
from snnctl.errors import UserError
from snnctl.kernels.c import step_source
from snnctl.kernels.program import Program
from snnctl.neurons import IF, LI, LIF, CubaLIF, Integrator
from snnctl.neurons.neuron import Neuron
from snnctl.targets.mcu.sizes import like
from snnctl.targets.plan import Misfit

WHOLE = (LIF, IF, CubaLIF, LI, Integrator)
WANTED = {"max_spikes": 1, "ternary": False, "refractory": 0.0, "rounding": "down"}


def refused(circuit: Circuit, real: bool) -> list[Misfit]:
    """Every reason but memory why the circuit cannot be computed.

    Args:
        real: in float, not in whole numbers.
    """
    found: list[Misfit] = []
    for name in circuit.names:
        found += _printable(circuit, name) if real else _in_whole_numbers(name, circuit.populations[name])
    for p in circuit.projections:
        if real or p.source == INPUT:
            continue
        if p.target == OUTPUT:
            bare = all(isinstance(layer, nn.Flatten | nn.Identity) for layer in p.layers)
            if len(circuit.into(OUTPUT)) == 1 and bare:
                continue
        if not circuit.populations[p.source].spiking:
            problem = f"{p.source} does not spike, and {p.title} multiplies what it gives"
            found.append(Misfit(p.source, problem, "let it spike, or set target.numbers=float"))
    direct = [p for p in circuit.into(OUTPUT) if p.source == INPUT]
    if direct and not real and not direct[0].layers:
        found.append(Misfit(OUTPUT, "the input goes straight to the output", "put a layer between them"))
    return found


def program_of(circuit: Circuit, name: str) -> Program | None:
    """A population's step as straight-line code; None where it cannot be traced."""
    neuron = circuit.populations[name]
    start = neuron.initial_state(like(neuron, circuit.shapes[name]))
    return neuron.program(start, neuron.coefficients(circuit.dt))


def _printable(circuit: Circuit, name: str) -> list[Misfit]:
    kind = type(circuit.populations[name]).__name__
    try:
        program = program_of(circuit, name)
        if program is None:
            return [
                Misfit(
                    name, f"the step of {kind} cannot be written as C", "choose a neuron that draws nothing at random"
                )
            ]
        step_source(program, name="step")
    except UserError as error:
        return [Misfit(name, error.problem, error.hint)]
    return []


def _in_whole_numbers(name: str, neuron: Neuron) -> list[Misfit]:
    kind = type(neuron).__name__
    if type(neuron) not in WHOLE:
        able = ", ".join(each.__name__ for each in WHOLE)
        return [Misfit(name, f"{kind} is not computed in whole numbers", f"choose {able}, or set target.numbers=float")]
    found = []
    for option, wanted in WANTED.items():
        given = getattr(neuron, option, wanted)
        if given != wanted:
            hint = f"set {option}={wanted}, or target.numbers=float"
            found.append(Misfit(name, f"{option} is {given}, which is not computed in whole numbers", hint))
    return found
