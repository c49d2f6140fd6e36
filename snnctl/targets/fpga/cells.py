"""Which neurons the core computes, and what it must know of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from snnctl.neurons import IF, LI, LIF, Integrator
from snnctl.neurons.neuron import Neuron
from snnctl.targets.plan import Misfit

KNOWN = (LIF, IF, LI, Integrator)
# Convention of a spiking neuron -> what the core does, and the setting that asks for it.
WANTED = {
    "max_spikes": (1, "neuron.max_spikes=1"),
    "rounding": ("down", "neuron.rounding=down"),
    "ternary": (False, "neuron.ternary=false"),
    "v_min": (None, "neuron.v_min=null"),
    "refractory": (0.0, "neuron.refractory=0"),
}


@dataclass(frozen=True)
class Cell:
    """A population in the circuit's units; potentials are counted from the one that v starts at.

    v[t] = decay v[t-1] + gain x[t]; a spike where v >= threshold (v > threshold if strict); then the reset.

    Args:
        name, size: of the population.
        spiking: whether it fires; else v is what it gives.
        decay, gain: of one step; None where they are not known yet (a network on the meta device).
        rest: potential that v starts at.
        threshold, strict: of the comparison.
        reset: "subtract" takes `amount` away, "value" sets v to `amount`, "none" does nothing.
        delayed: the reset acts on the leaked membrane of the next step.
    """

    name: str
    size: int
    spiking: bool
    decay: float | None
    gain: float | None
    rest: float = 0.0
    threshold: float | None = None
    strict: bool = False
    reset: Literal["subtract", "value", "none"] = "none"
    amount: float | None = None
    delayed: bool = False

    @property
    def known(self) -> bool:
        """Whether all values are there."""
        return None not in (self.decay, self.gain, self.rest) and (not self.spiking or self.threshold is not None)


def misfits(name: str, neuron: Neuron) -> list[Misfit]:
    """Why the core cannot compute a population; empty where it can."""
    kind = type(neuron)
    if kind not in KNOWN:
        return [Misfit(name, f"the core computes LIF, IF, LI and Integrator, not {kind.__name__}", "set neuron=lif")]
    found = [
        Misfit(name, f"{key} is {getattr(neuron, key)!r}, the core has {value!r}", f"set {setting}")
        for key, (value, setting) in WANTED.items()
        if hasattr(neuron, key) and getattr(neuron, key) != value
    ]
    if kind is LI and neuron.tau_syn is not None:
        found.append(Misfit(name, "a readout with a synapse has two states, the core keeps one", "set tau_syn: null"))
    if neuron.spiking and neuron.reset_delay == "with_input" and neuron.reset in ("zero", "value"):
        found.append(
            Misfit(name, "the reset discards the next input, the core adds it after the reset", "set reset_delay: true")
        )
    found += [
        Misfit(name, f"{key} differs between neurons, the core has one for a population", "set per: layer")
        for key in neuron.kinds
        if _differs(neuron, key)
    ]
    return found


def cell(name: str, neuron: Neuron, size: int, dt: float) -> Cell:
    """A population that has no misfits, at a step of dt, s."""
    coefs = neuron.coefficients(dt)
    decay = _one(getattr(coefs, "decay", 1.0))
    gain = _one(getattr(coefs, "gain", 1.0))
    rest = _one(getattr(coefs, "v_rest", 0.0), none=0.0)
    gain = 1.0 if getattr(coefs, "gain", None) is None else gain
    if not neuron.spiking:
        return Cell(name, size, False, decay, gain, rest)
    threshold, v_reset = _one(coefs.threshold), _one(coefs.v_reset, none=0.0)
    if type(neuron) is IF and neuron.reset == "value":
        rest = v_reset  # where its membrane starts
    reset = "value" if neuron.reset == "zero" else neuron.reset
    lifted = None if threshold is None or rest is None else threshold - rest
    amount = threshold if reset == "subtract" else None if v_reset is None or rest is None else v_reset - rest
    delayed = bool(neuron.reset_delay)
    return Cell(name, size, True, decay, gain, rest, lifted, neuron.fire == "gt", reset, amount, delayed)


def leak_terms(leak: float, most: int, smallest: float = 2.0**-20) -> tuple[int, ...]:
    """Shifts n_k with sum_k 2^-n_k close to a leak of 0 to 1, at most `most` of them.

    The largest powers of two that fit, and the nearest one last.
    """
    shifts: list[int] = []
    while leak > smallest and len(shifts) < most:
        shift = max(0, math.ceil(-math.log2(leak) - 1e-9))
        if len(shifts) == most - 1 and shift and abs(2.0 ** (1 - shift) - leak) < abs(2.0**-shift - leak):
            shift -= 1
        shifts.append(shift)
        leak -= 2.0**-shift
    return tuple(shifts)


def _one(value: float | Tensor | None, none: float | None = None) -> float | None:
    """The one value that all neurons share; None where it is not known."""
    if value is None:
        return none
    if isinstance(value, Tensor):
        return None if value.is_meta else value.detach().flatten()[0].item()
    return float(value)


def _differs(neuron: Neuron, key: str) -> bool:
    value = getattr(neuron, key)
    if not isinstance(value, Tensor) or value.numel() == 1:
        return False
    if value.is_meta:
        return key in neuron.learnable or neuron.lowest[key] != neuron.highest[key]
    return bool((value.detach() != value.detach().flatten()[0]).any())
