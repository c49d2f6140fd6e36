"""The critic: what return to expect from an observation. It helps to train and is not deployed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snnctl.errors import UserError


class Critic(nn.Module):
    """A plain network on the mean of the input over time:

        V(x) = w . tanh(W_n ... tanh(W_1 mean_t x[t]))

    Args:
        shape: of one time step of the input.
        hidden: widths of its hidden layers, first to last.

    Raises:
        UserError: a width is below 1.
    """

    def __init__(self, shape: Sequence[int], hidden: Sequence[int] = (64, 64)):
        super().__init__()
        if not all(isinstance(width, int) and width >= 1 for width in hidden):
            raise UserError(f"regime.critic = {list(hidden)}", "widths of its hidden layers, 1 and above")
        widths = [math.prod(shape), *hidden]
        layers = [part for a, b in zip(widths, widths[1:], strict=False) for part in (nn.Linear(a, b), nn.Tanh())]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Values (B,) of input (T, B, ...)."""
        return self.layers(torch.flatten(x.float().mean(0), 1))[:, 0]
