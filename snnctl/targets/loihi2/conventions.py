"""Which neurons a compartment of Loihi can be, and with what error."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnctl.neurons import IF, LI, LIF, CubaLIF
from snnctl.neurons.neuron import Neuron
from snnctl.targets.loihi2.compartment import LARGEST_DECAY, UNITY, Registers
from snnctl.targets.plan import Misfit

KINDS = (LIF, CubaLIF, IF, LI)
ONE = {  # option -> its value on the chip
    "refractory": 0.0,
    "max_spikes": 1,
    "rounding": "down",
    "ternary": False,
    "v_min": None,
}


class Fit(NamedTuple):
    """A neuron as compartments."""

    registers: Registers | None  # None on the meta device, where values are not known
    notes: list[str]
    misfits: list[Misfit]


def fit(name: str, neuron: Neuron, dt: float, tolerance: float) -> Fit:
    """Hold a population's neurons against what a compartment computes.

    Args:
        name: of the population. dt: step, s.
        tolerance: largest error of a leak, a share of it.
    """
    if type(neuron) not in KINDS:
        kinds = ", ".join(kind.__name__ for kind in KINDS[:-1])
        problem = f"{type(neuron).__name__} neurons, which Lava's LIF does not compute"
        return Fit(None, [], [Misfit(name, problem, f"use {kinds}, or LI for the readout")])
    notes, misfits = [], [Misfit(name, *wrong) for wrong in _options(neuron)]
    coefs = neuron.coefficients(dt)
    found = []
    for parameter, decay in (("tau_syn", synaptic_decay(coefs)), ("tau_mem", getattr(coefs, "decay", 1.0))):
        decay = 0.0 if decay is None else decay
        value = single(decay)
        if isinstance(decay, Tensor) and value is None:
            if not decay.is_meta:
                misfits.append(
                    Misfit(name, f"{parameter} has several values", "a layer has one on the chip: set per: layer")
                )
            found.append(None)
            continue
        register, got = _register(value, parameter)
        found.append(register)
        if value in (0.0, 1.0) and got == value:
            continue
        error = abs(got - value) / (1 - value) if value < 1 else float("inf")
        said = f"{parameter} leaks {1 - value:.4%} a step, on the chip {1 - got:.4%}, {error:.2%} off"
        if error > tolerance:
            hint = f"within {tolerance:.0%} leaks are {0.5 / tolerance / UNITY:.2%} to 100 % a step: change {parameter}"
            misfits.append(Misfit(name, said, f"{hint}, or dataset.dt"))
        else:
            notes.append(f"{name}: {said}")
    if getattr(neuron, "fire", "gt") == "ge":
        notes.append(f"{name}: fires at v >= threshold; the chip above it, a difference of 1 bit (fire: gt has none)")
    registers = None if None in found else Registers(du=found[0], dv=found[1])
    return Fit(registers, notes, misfits)


def synaptic_decay(coefs: Any) -> float | Tensor | None:
    """What a step leaves of the synaptic current; None without one."""
    return getattr(coefs, "syn_decay", None)


def delayed(neuron: Neuron) -> int:
    """Steps by which the input is late: 1 where the current acts one step later."""
    return int(synaptic(neuron) and neuron.synapse == "next_step")


def synaptic(neuron: Neuron) -> bool:
    """Whether the input passes a synaptic current."""
    return getattr(neuron, "tau_syn", None) is not None


def single(value: float | Tensor) -> float | None:
    """A coefficient that is the same for all neurons; None where it is not, or where its value is not known."""
    if not isinstance(value, Tensor):
        return float(value)
    if value.is_meta:
        return None
    first = value.detach().flatten()[0]
    return first.item() if bool((value == first).all()) else None


def resting(neuron: Neuron) -> float | Tensor:
    """The potential that v starts at and is reset to."""
    if isinstance(neuron, IF):
        return neuron.v_reset if neuron.reset == "value" else 0.0
    return neuron.v_rest


def _options(neuron: Neuron):
    """(what is wrong, what to set) of the options."""
    for option, value in ONE.items():
        got = getattr(neuron, option, value)
        if got != value:
            shown = "null" if value is None else "false" if value is False else value
            yield f"{option} is {got!r}", f"the chip has none: set {option}: {shown}"
    if not neuron.spiking:
        return
    rest = resting(neuron)
    if neuron.reset in ("subtract", "none"):
        yield f"reset is {neuron.reset}", "the chip sets v to 0: set reset: zero"
    elif not isinstance(neuron, IF) and not _equal(rest, neuron.v_reset if neuron.reset == "value" else 0.0):
        yield "v rests and resets at different potentials", "the chip has one: set v_reset to v_rest and reset: value"
    if neuron.reset_delay == "with_input":
        yield "reset_delay is with_input", "the chip resets before the input: set reset_delay: false"


def _equal(a: float | Tensor, b: float | Tensor) -> bool:
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return a.is_meta or b.is_meta or bool((a == b).all())


def _register(decay: float, parameter: str) -> tuple[int, float]:
    """The register nearest to a decay factor, and the factor that it gives."""
    offset = 1 if parameter == "tau_syn" else 0
    register = min(max(round((1 - decay) * UNITY) - offset, 0), LARGEST_DECAY)
    return register, 1 - (register + offset) / UNITY
