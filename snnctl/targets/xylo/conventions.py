"""Which neurons a Xylo core computes, and with which conventions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from snnctl.neurons import LI, CubaLIF
from snnctl.neurons.neuron import Neuron
from snnctl.targets.plan import Misfit
from snnctl.targets.xylo import shifts


class Dynamics(NamedTuple):
    """A population's numbers, float64, one a neuron; None on the meta device."""

    decay: np.ndarray  # of the membrane
    syn_decay: np.ndarray
    gain: np.ndarray  # of the current
    threshold: np.ndarray | None  # None: it does not spike
    rest: np.ndarray  # potential at rest


def dynamics(neuron: CubaLIF | LI, shape: tuple[int, ...], dt: float) -> Dynamics | None:
    """The numbers of a neuron that `misfits` accepts; None where they are on the meta device.

    Args:
        shape: of the population at one step.
        dt: step width, s.
    """
    coefs = neuron.coefficients(dt)
    values = (coefs.decay, coefs.syn_decay, coefs.gain, getattr(coefs, "threshold", None), coefs.v_rest)
    if any(isinstance(value, torch.Tensor) and value.is_meta for value in values):
        return None
    decay, syn_decay, gain, threshold, rest = (None if v is None else _each(v, shape) for v in values)
    ones = np.ones_like(decay)
    return Dynamics(decay, syn_decay, ones if gain is None else gain, threshold, 0 * ones if rest is None else rest)


def misfits(name: str, neuron: Neuron, output: bool, most: int) -> Iterator[Misfit]:
    """What a population's neurons do that the core does not.

    Args:
        name: of the layer.
        output: whether they are output neurons.
        most: spikes a step of such neurons on the core.
    """
    key = "network.readout" if output else "neuron"
    if type(neuron) is LI and output:
        if neuron.tau_syn is None:
            yield Misfit(name, "no synaptic current", f"set {key}.tau_syn, s, and {key}.synapse=add_then_decay")
        if neuron.v_min is not None:
            yield Misfit(name, f"v_min is {neuron.v_min:g}", f"the core has no such limit: set {key}.v_min=null")
        return
    if type(neuron) is not CubaLIF:
        fits = "neuron=cuba_lif neuron.synapse=add_then_decay"
        if output:
            fits = "neuron@network.readout=li and its tau_syn, or neuron@network.readout=cuba_lif"
        problem = f"neurons are {type(neuron).__name__}, the core's have a current that decays before it acts"
        yield Misfit(name, problem, f"set {fits}")
        return
    if neuron.max_spikes != most and not (neuron.max_spikes is None and not output):
        shown = "no limit" if neuron.max_spikes is None else f"{neuron.max_spikes}"
        yield Misfit(name, f"max_spikes is {shown}, the core's is {most}", f"set {key}.max_spikes={most}")
    wanted = {"reset": "subtract", "reset_delay": False, "rounding": "down", "ternary": False, "v_min": None,
              "refractory": 0.0}  # fmt: skip
    for option, value in wanted.items():
        given = getattr(neuron, option)
        if given != value or type(given) is not type(value):
            setting = "null" if value is None else "0" if value == 0.0 and value is not False else str(value).lower()
            yield Misfit(name, f"{option} is {given}, which the core cannot do", f"set {key}.{option}={setting}")
    if neuron.lowest["v_rest"] or neuron.highest["v_rest"] or "v_rest" in neuron.learnable:
        yield Misfit(name, "v_rest is not 0, where the core's membranes rest", f"set {key}.v_rest=0")


def too_fast(name: str, neuron: CubaLIF | LI, numbers: Dynamics, output: bool, dt: float) -> Iterator[Misfit]:
    """A misfit where the synaptic current would be gone before it reaches the membrane."""
    if (shifts.shift(numbers.syn_decay, 0, 15) < 1).any():
        key = "network.readout" if output else "neuron"
        least = shifts.shortest(neuron.decay, dt)
        problem = f"tau_syn leaves {numbers.syn_decay.min():.2g} of the current when it acts, the core 0.5 or more"
        yield Misfit(name, problem, f"set {key}.tau_syn={least:.3g} (s) or above")


def notes(name: str, neuron: CubaLIF | LI, numbers: Dynamics, highest: int, most: int, dt: float) -> Iterator[str]:
    """What the core only approximates, one line each."""
    for parameter, decay, lowest in (("tau_mem", numbers.decay, 0), ("tau_syn", numbers.syn_decay, 1)):
        line = shifts.note(name, parameter, decay, shifts.shift(decay, lowest, highest), dt)
        if line is not None:
            yield line
    if isinstance(neuron, CubaLIF):
        if neuron.max_spikes is None:
            yield f"{name}: at most {most} spikes a step, without a limit in the network"
        if neuron.fire == "gt":
            yield f"{name}: fires at v >= threshold, the network at v > threshold: less than one unit of the core's v"
    elif neuron.v_min is None:
        yield f"{name}: output neurons that never spike; their membrane is read, which needs accelerated time"


def _each(value: float | torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """One number a neuron, flat, from what broadcasts against a step."""
    tensor = torch.as_tensor(value, dtype=torch.float64).detach().cpu()
    return tensor.expand(shape).flatten().numpy().copy()
