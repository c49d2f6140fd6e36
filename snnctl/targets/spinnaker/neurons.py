"""Which neurons sPyNNaker's IF_curr_exp can be, with its parameters."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from snnctl.neurons import LI, LIF, CubaLIF
from snnctl.neurons.neuron import Neuron
from snnctl.targets.plan import Misfit

KINDS = (LIF, CubaLIF, LI)
INSTANT = 0.05  # steps: a synaptic time constant of which 2e-9 is left after one
ONE = {"max_spikes": 1, "rounding": "down", "ternary": False, "v_min": None}


class Constants(NamedTuple):
    """Of a population, each (1,) or (N,) float64; times in steps."""

    tau_m: Tensor
    tau_syn: Tensor
    v_rest: Tensor  # the circuit's unit
    v_reset: Tensor
    threshold: Tensor  # infinite in a readout
    refractory: int
    gain: Tensor  # what an input of 1 adds to v in the step in which it arrives


def misfits(name: str, neuron: Neuron, dt: float) -> list[Misfit]:
    """What of a population's neurons sPyNNaker cannot do. Decays that lie on the meta device are not looked at."""
    if type(neuron) not in KINDS:
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        return [Misfit(name, f"{type(neuron).__name__} neurons, which are no IF_curr_exp", f"use {kinds}")]
    found = []
    for option, value in ONE.items():
        got = getattr(neuron, option, value)
        if got != value:
            shown = "null" if value is None else "false" if value is False else value
            found.append((f"{option} is {got!r}", f"the chip has none: set {option}: {shown}"))
    coefs = neuron.coefficients(dt)
    for parameter, decay in (("tau_mem", coefs.decay), ("tau_syn", getattr(coefs, "syn_decay", None))):
        if decay is not None and not _inside(decay):
            hint = "it has exp(-dt / tau) only: a longer time constant, or decay: exact"
            found.append((f"{parameter} leaves 0 or less after a step", hint))
    if neuron.spiking:
        if neuron.reset in ("subtract", "none"):
            found.append((f"reset is {neuron.reset}", "the chip sets v: set reset: zero, or value"))
        elif (neuron.reset_delay or neuron.refractory) and not _equal(neuron.v_rest, _reset(neuron)):
            what = "reset_delay" if neuron.reset_delay else "refractory"
            found.append((f"{what} is set and v_reset is not v_rest", "v stays at v_reset meanwhile: set them equal"))
        if neuron.reset_delay == "with_input":
            found.append(("reset_delay is with_input", "the chip resets before the input: set reset_delay: false"))
    return [Misfit(name, *wrong) for wrong in found]


def late(neuron: Neuron) -> int:
    """Steps by which the input is late: 1 where the current acts one step later."""
    return int(getattr(neuron, "tau_syn", None) is not None and neuron.synapse == "next_step")


def constants(neuron: Neuron, shape: tuple[int, ...], dt: float) -> Constants:
    """The numbers of a population that has no misfit."""
    coefs = neuron.coefficients(dt)
    kept, syn = _flat(coefs.decay, shape), getattr(coefs, "syn_decay", None)
    gain = torch.ones(1, dtype=torch.float64) if coefs.gain is None else _flat(coefs.gain, shape)
    tau_syn = torch.full((1,), INSTANT, dtype=torch.float64)
    if syn is not None:
        syn = _flat(syn, shape)
        tau_syn = -1 / syn.log()
        gain = gain * syn if neuron.synapse == "add_then_decay" else gain
    infinite = torch.full((1,), math.inf, dtype=torch.float64)
    return Constants(
        tau_m=-1 / kept.log(),
        tau_syn=tau_syn,
        v_rest=_flat(neuron.v_rest, shape),
        v_reset=_flat(_reset(neuron), shape),
        threshold=_flat(neuron.threshold, shape) if neuron.spiking else infinite,
        refractory=round(getattr(neuron, "refractory", 0.0) / dt),
        gain=gain,
    )


def _reset(neuron: Neuron) -> float | Tensor:
    return neuron.v_reset if getattr(neuron, "reset", None) == "value" else 0.0


def _inside(decay: float | Tensor) -> bool:
    decay = torch.as_tensor(decay)
    return decay.is_meta or bool((decay > 0).all())


def _equal(a: float | Tensor, b: float | Tensor) -> bool:
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return a.is_meta or b.is_meta or bool((a == b).all())


def _flat(value: float | Tensor, shape: tuple[int, ...]) -> Tensor:
    if not isinstance(value, Tensor) or value.numel() == 1:
        return torch.as_tensor(value, dtype=torch.float64).detach().cpu().reshape(1)
    return value.detach().cpu().double().expand(shape).flatten()
