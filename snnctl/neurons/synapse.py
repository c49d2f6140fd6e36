"""How a spike becomes a current: the order of decay and arrival, for every neuron with an exponential synapse."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from snnctl.neurons.leaky import Decay, continuous_tau, decay_factor
from snnctl.neurons.node import Drive

Synapse = Literal["decay_then_add", "add_then_decay", "next_step"]


def arrived(
    x: Tensor, i: Tensor | None, syn_decay: float | Tensor | None, synapse: Synapse
) -> tuple[Tensor, Tensor | None]:
    """The current that drives the membrane in this step, and i for the next.

        i[t] = syn_decay i[t-1] + x[t],     drives by i[t]         (decay_then_add)
        i[t] = syn_decay (i[t-1] + x[t]),   drives by i[t]         (add_then_decay)
        i[t] = syn_decay i[t-1] + x[t],     drives by i[t-1]       (next_step)

    Args:
        x: input of one step (B, ...).
        i: synaptic current after the last step (B, ...); None for no synapse: x drives at once.
        syn_decay: what is left of i after a step.
        synapse: the order.
    """
    if i is None:
        return x, None
    if synapse == "add_then_decay":
        after = syn_decay * (i + x)
        return after, after
    after = syn_decay * i + x
    return (i if synapse == "next_step" else after), after


def synaptic_drive(tau_syn: float | Tensor, dt: float, decay: Decay, synapse: Synapse) -> Drive:
    """What an input of 1 adds to i: 1, or what a step leaves of it where it decays first."""
    left = decay_factor(tau_syn, dt, decay)
    step = left if synapse == "add_then_decay" else 1.0
    return Drive(step, 1 - left, dt / continuous_tau(tau_syn, dt, decay))
