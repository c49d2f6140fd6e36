"""Synapses that transmit by chance."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import number
from snnctl.metrics.synapses import linear
from snnctl.neurons.temporal import Temporal


class NoMemory(NamedTuple):
    """Nothing is kept from step to step."""


class StochasticLinear(Temporal):
    """Unreliable synapses: a linear layer of which each synapse transmits at each step with a probability,

        y_i[t] = sum_j W_ij r_ij[t] x_j[t] + b_i,   r_ij[t] = 1 with probability p_ij, else 0

    One draw a step and synapse from torch's generator, for all samples of a batch, in training and in evaluation.

    Args:
        in_features: N; the network fills it in.
        out_features: neurons behind it.
        probability: p of all synapses, 0 to 1, no unit.
        bias: learn b.

    Attributes:
        weight: W (out, in). probability: p (out, in), not learned.

    Raises:
        UserError: the probability is out of range; the input is no vector.

    Source: J. del Castillo, B. Katz, "Quantal components of the end-plate potential", Journal of Physiology 124 (1954),
    doi:10.1113/jphysiol.1954.sp005129; in networks: E. Neftci et al., "Stochastic synapses enable efficient
    brain-inspired learning machines", Frontiers in Neuroscience 10 (2016), doi:10.3389/fnins.2016.00241.
    """

    spiking = False
    why = "draws its synapses anew at every step"
    State = NoMemory

    def __init__(self, in_features: int, out_features: int, probability: float = 0.5, bias: bool = True):
        super().__init__((out_features,))
        p = number("StochasticLinear: probability is", probability, "no unit", 0.0, 1.0)
        like = nn.Linear(in_features, out_features, bias)
        self.weight, self.bias = like.weight, like.bias
        self.register_buffer("probability", torch.full((out_features, in_features), float(p)))

    def run(self, x: Tensor, state: NoMemory | None, dt: float) -> tuple[Tensor, NoMemory, dict]:
        if x.dim() != 3 or x.shape[2] != self.weight.shape[1]:
            raise self.wrong(f"input of shape {tuple(x.shape)}", f"wanted         (T, B, {self.weight.shape[1]})")
        steps = [F.linear(x_t, self.weight * torch.bernoulli(self.probability), self.bias) for x_t in x]
        return torch.stack(steps), NoMemory(), {}

    def plain(self) -> nn.Linear:
        """The layer of torch that it is where every synapse transmits; its operations are counted by it."""
        return linear(self.weight, self.bias)

    def extra_repr(self) -> str:
        out, into = self.weight.shape
        return f"{into} to {out}, probability={self.probability.mean().item():g}"
