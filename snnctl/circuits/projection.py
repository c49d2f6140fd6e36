"""A projection: the linear layers between two populations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from snnctl.errors import UserError

LARGEST = 2**28  # weights of a dense matrix, 1 GiB in float32


class Projection(nn.Module):
    """What one population sends to another, linear layers in order:

        y[t] = layers(s[t - delay]),   s[t] = 0 before the first step

    Args:
        source: population that it comes from, or "input".
        target: population that it goes to, or "output".
        layers: name -> layer without a state, (B, *source) -> (B, *target); none: the identity.
        delay: whole steps; 1 and above where the connection closes a cycle.
    """

    def __init__(self, source: str, target: str, layers: Mapping[str, nn.Module] | None = None, delay: int = 0):
        super().__init__()
        self.source, self.target, self.delay = source, target, int(delay)
        self.names = tuple(layers or {})
        self.layers = nn.ModuleList((layers or {}).values())

    @property
    def title(self) -> str:
        """The name of its layer, or what it joins."""
        return ", ".join(self.names) or f"{self.source} to {self.target}"

    def named_layers(self) -> dict[str, nn.Module]:
        """Name -> layer, in order."""
        return dict(zip(self.names, self.layers, strict=True))

    def forward(self, s: Tensor) -> Tensor:
        """One step, (B, *source) -> (B, *target), without the delay."""
        for layer in self.layers:
            s = layer(s)
        return s

    def matrix(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """The projection as one dense product, y = W s + b.

        Args:
            shape: of the source at one step.

        Returns:
            W (target, source) and b (target,), both flat, float32; b is 0 where no layer has a bias.

        Raises:
            UserError: W would be larger than 1 GiB.
        """
        size = math.prod(shape)
        with torch.no_grad():
            bias = self(torch.zeros(1, *shape)).flatten()
            if size * len(bias) > LARGEST:
                raise UserError(f"{self.title}: {size} x {len(bias)} weights are too many for a dense product")
            rows = [self(unit.view(-1, *shape)).flatten(1) - bias for unit in torch.eye(size).split(1024)]
        return torch.cat(rows).T.contiguous(), bias

    def extra_repr(self) -> str:
        return f"{self.source} to {self.target}, delay={self.delay}"
