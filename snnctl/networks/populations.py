"""Feedback within populations: the weights of a recurrent layer whose groups of neurons know only themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snnctl.errors import UserError


class WithinPopulations(nn.Module):
    """Every neuron to every neuron of its own population: y_p = W_p s_p + b_p for each of `populations` groups.

    For `Recurrent(feedback=...)`: population coding whose neurons stand side by side, as the actions of a policy.

    Args:
        shape: of the layer's neurons at one step, (N,); consecutive neurons form a population.
        populations: number of groups; must divide N.
        bias: learn b.

    Raises:
        UserError: the neurons form no vector, or do not divide into the populations.

    Source: D. Chen et al., "Fully spiking actor network with intralayer connections for reinforcement learning", IEEE
    Transactions on Neural Networks and Learning Systems (2024), arXiv:2401.05444.
    """

    def __init__(self, shape: tuple[int, ...], populations: int, bias: bool = False):
        super().__init__()
        if len(shape) != 1 or type(populations) is not int or populations < 1 or shape[0] % populations:
            problem = f"snnctl.networks.WithinPopulations: {tuple(shape)} neurons in {populations!r} populations"
            raise UserError(problem, "give   populations: a number that divides the neurons of a vector")
        size = shape[0] // populations
        self.weight = nn.Parameter(torch.empty(populations, size, size).uniform_(-1, 1) / size**0.5)
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    def synapses(self) -> Tensor:
        """The weights (populations, to, from)."""
        return self.weight

    def forward(self, s: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, N) -> (B, N)."""
        weight = self.weight if weight is None else weight
        groups = s.unflatten(1, (weight.shape[0], -1))
        y = torch.einsum("bpj,pij->bpi", groups, weight).flatten(1)
        return y if self.bias is None else y + self.bias
