"""Layers cut to the cores of a chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from torch import Tensor

from snnctl.circuits import Circuit
from snnctl.targets.loihi2.conventions import synaptic
from snnctl.targets.plan import Misfit, Resource
from snnctl.targets.synapses import has_bias

BIAS = "(bias)"  # a neuron that fires at every step: a bias that has to pass a synapse comes from it


@dataclass(frozen=True)
class Limits:
    """What there is of the chip."""

    cores: int
    neurons: int  # a core
    memory: int  # a core, bytes
    synapses: int  # of the chip
    synapse_bytes: float
    neuron_bytes: float


def cut(
    circuit: Circuit, arriving: Mapping[str, Tensor], limits: Limits
) -> tuple[dict[str, tuple[str, ...]], list[Resource], list[Misfit]]:
    """Place every population on as few cores as its neurons and their synapses need; layers share no core.

    Args:
        arriving: population -> connections that arrive at each of its neurons (N,).

    Returns:
        core -> what is on it, what is used, and what does not fit.
    """
    cores: dict[str, tuple[str, ...]] = {}
    resources, misfits = [], []
    needs = {name: counts.double() * limits.synapse_bytes + limits.neuron_bytes for name, counts in arriving.items()}
    for name, need in needs.items():
        most = need.max().item()
        if most > limits.memory:
            free = int((limits.memory - limits.neuron_bytes) / limits.synapse_bytes)
            problem = f"{int(arriving[name].max()):,} synapses of a neuron take {most:,.0f} bytes"
            misfits.append(Misfit(name, problem, f"a core has {limits.memory:,}: give it {free:,} inputs at most"))
            continue
        size = min(limits.neurons, int(limits.memory // most))
        first = [*range(0, len(need), size)]
        for low in first:
            high = min(low + size, len(need))
            part = name if len(first) == 1 else f"{name} [{low}:{high}]"
            cores[f"core {len(cores)}"] = (part,)
        largest = max(need[low : low + size].sum().item() for low in first)
        resources.append(Resource(name, "neurons on a core", min(size, len(need)), limits.neurons))
        resources.append(Resource(name, "memory of a core", ceil(largest), limits.memory, "bytes"))
    if any(has_bias(p) and synaptic(circuit.populations[name]) for name in arriving for p in circuit.into(name)):
        cores[f"core {len(cores)}"] = (BIAS,)
    synapses = sum(int(counts.sum()) for counts in arriving.values())
    resources.append(Resource("chip", "cores", len(cores), limits.cores))
    resources.append(Resource("chip", "synapses", synapses, limits.synapses))
    if len(cores) > limits.cores:
        taken = {name: sum(held[0].split(" [")[0] == name for held in cores.values()) for name in arriving}
        largest = max(taken, key=lambda name: taken[name])
        problem = f"{len(cores)} cores are needed, of which {largest} takes {taken[largest]}"
        misfits.append(Misfit("chip", problem, f"there are {limits.cores}: make {largest} smaller"))
    if synapses > limits.synapses:
        misfits.append(Misfit("chip", f"{synapses:,} synapses", f"there are {limits.synapses:,}"))
    return cores, resources, misfits
