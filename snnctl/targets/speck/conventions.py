"""Which neurons the chip has."""

from __future__ import annotations

from torch import Tensor

from snnctl.neurons import IF
from snnctl.neurons.neuron import Neuron
from snnctl.targets.plan import Misfit

WANTED = {  # argument -> (what the chip does, why)
    "fire": (("ge",), "a core fires at v >= threshold"),
    "reset": (("subtract", "zero"), "a core subtracts the threshold or resets to zero"),
    "reset_delay": ((False,), "a core resets as it fires"),
    "rounding": (("down",), "a core fires for every whole threshold"),
    "ternary": ((False,), "there are no negative spikes"),
    "refractory": ((0.0,), "there is no refractory time"),
}


def misfits(layer: str, neuron: Neuron) -> list[Misfit]:
    """What a core cannot do of a population's conventions, each with what to set."""
    kind = type(neuron).__name__
    if type(neuron) is not IF:
        if not getattr(neuron, "spiking", False):
            return [
                Misfit(
                    layer,
                    f"{kind}: a membrane cannot be read out over time",
                    "set neuron@network.readout=if network.readout.max_spikes=null loss=spike_count",
                )
            ]
        return [Misfit(layer, f"{kind}: the chip has IF neurons only", "set neuron=if neuron.max_spikes=null")]
    found = [
        Misfit(layer, f"{name} is {getattr(neuron, name)}: {why}", f"set {name}: {values[0]}")
        for name, (values, why) in WANTED.items()
        if getattr(neuron, name) not in values and not (name == "reset" and to_zero(neuron))
    ]
    if isinstance(neuron.threshold, Tensor) and neuron.threshold.numel() > 1:
        found.append(Misfit(layer, f"{neuron.threshold.numel()} thresholds: a core has one", "set per: layer"))
    return found


def to_zero(neuron: IF) -> bool:
    """Whether a spike resets the membrane to 0."""
    here = neuron.lowest["v_reset"] == neuron.highest["v_reset"] == 0 and "v_reset" not in neuron.learnable
    return neuron.reset == "zero" or (neuron.reset == "value" and here)


def notes(layer: str, neuron: IF) -> list[str]:
    """What a core does a little differently."""
    said = []
    if neuron.max_spikes is not None:
        most = f"at most {neuron.max_spikes} {'time' if neuron.max_spikes == 1 else 'times'} a step"
        said.append(
            f"{layer}: fires {most} in the circuit, and on the chip as often as v reaches the threshold "
            f"(train with max_spikes: null)"
        )
    if neuron.v_min is None:
        said.append(f"{layer}: has no v_min in the circuit; on the chip v stops at the least of 16 bits")
    if to_zero(neuron):
        said.append(f"{layer}: resets to zero at each event on the chip, at each step in the circuit and in the model")
    return said
