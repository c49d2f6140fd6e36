"""Neurons of a layer that hold each other down."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from snnctl.errors import UserError
from snnctl.networks.place import Place, construct
from snnctl.neurons.quantity import one_of
from snnctl.neurons.sequence import unbind
from snnctl.neurons.spiking import SpikingNeuron
from snnctl.neurons.temporal import Temporal

Winner = Literal["highest", "random"]


class LateralInhibition(nn.Module):
    """Every spike holds down all other neurons of the layer alike: y_i = -w sum_{j != i} s_j.

    A feedback of `Recurrent`, or what leads from inhibitory neurons back in a `Loop`.

    Args:
        shape: of the layer's neurons at one step; the network fills it in.
        strength: w, unit of the input, 0 and above.
        learnable: train w.

    Raises:
        UserError: strength is below 0.

    Source: P. U. Diehl, M. Cook, "Unsupervised learning of digit recognition using spike-timing-dependent plasticity",
    Frontiers in Computational Neuroscience 9 (2015), doi:10.3389/fncom.2015.00099.
    """

    def __init__(self, shape: tuple[int, ...], strength: float = 1.0, learnable: bool = False):
        super().__init__()
        if not strength >= 0:
            raise UserError(
                f"LateralInhibition: strength is {strength!r}", "range          0 and above (unit of input)"
            )
        self.shape = tuple(shape)
        if learnable:
            self.weight = nn.Parameter(torch.tensor(float(strength)))
        else:
            self.register_buffer("weight", torch.tensor(float(strength)))

    def synapses(self) -> Tensor:
        """w, once a sequence."""
        return self.weight

    def forward(self, s: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, *shape) -> (B, *shape)."""
        everyone = s.flatten(1).sum(1).view(-1, *[1] * (s.dim() - 1))
        return (s - everyone) * (self.weight if weight is None else weight)


class WinnerState(NamedTuple):
    """State of the neurons that compete."""

    neuron: Any


class WinnerTakeAll(Temporal):
    """Neurons of which at most one of a sample spikes at a step.

        s_i[t] = 1 where neuron i would fire and has won; else 0

    Who loses is reset as if it had fired: the spikes are held back, the membranes are not.

    Args:
        neuron: partial or built spiking neuron.
        shape: of the neurons at one step; the network fills it in.
        winner: "highest": the neuron that is furthest above its threshold; "random": any of those that would fire,
            drawn from torch's generator.
        place: where the layer stands; filled in by the network.

    Raises:
        UserError: the neuron does not spike; "highest" with a threshold that is not fixed.

    Source: J. K. Eshraghian et al., "Training spiking neural networks using lessons from deep learning", Proceedings of
    the IEEE 111 (2023), doi:10.1109/JPROC.2023.3308088 (highest); Diehl and Cook 2015, as of `LateralInhibition`
    (random).
    """

    State = WinnerState
    why = "its neurons compete at every step"

    def __init__(
        self,
        neuron: Callable[..., nn.Module] | nn.Module,
        shape: tuple[int, ...],
        winner: Winner = "highest",
        place: Place | None = None,
    ):
        super().__init__(shape)
        self.winner = one_of("WinnerTakeAll", "winner", winner, Winner)
        if place is not None:
            neuron = construct(neuron, replace(place, name=f"{place.name}.neuron"))
        self.neuron = neuron if isinstance(neuron, nn.Module) else neuron(shape=self.shape_out)
        if not isinstance(self.neuron, SpikingNeuron):
            raise self.wrong(f"neuron is a {type(self.neuron).__name__}", "wanted         a neuron that spikes")

    def run(self, x: Tensor, state: WinnerState | None, dt: float) -> tuple[Tensor, WinnerState, dict[str, Tensor]]:
        coefs = self.neuron.coefficients(dt)
        if self.winner == "highest" and not hasattr(coefs, "threshold"):
            raise self.wrong(f"{type(self.neuron).__name__} has no threshold", "choose         winner: random")
        inner = self.neuron.initial_state(x[0]) if state is None else state.neuron
        free = copy.copy(self.neuron)  # the same parameters; it never resets, so that what fired can be seen
        free.reset = "none"
        outs, past = [], []
        for step in unbind(x):
            s, after = self.neuron.step(step, inner, coefs)
            if self.winner == "highest":
                v = after.v if self.neuron.reset_delay else free.step(step, inner, coefs)[1].v
                first = (v - coefs.threshold).flatten(1).argmax(1)
            else:
                first = (torch.rand_like(s) * (s > 0)).flatten(1).argmax(1)
            outs.append(s * _at(first, s))
            past.append(after.v)
            inner = after
        return torch.stack(outs), WinnerState(inner), {"v": torch.stack(past)}


def _at(index: Tensor, like: Tensor) -> Tensor:
    """1 at one flat index of each sample (B,), else 0."""
    mask = torch.zeros_like(like).flatten(1)
    return mask.scatter(1, index[:, None], 1.0).view_as(like)
