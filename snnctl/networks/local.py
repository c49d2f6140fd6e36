"""Local connections without shared weights: a convolution with a kernel of its own at every place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snnctl.errors import UserError


class _Local(nn.Module):
    """The layer in any number of dimensions.

    Args:
        shape: of a step, (C, *sides); the network fills it in.
        out_channels: maps of the output, F.
        kernel_size: side of the field that a neuron sees; or one a dimension.
        stride: step between fields; or one a dimension.
        bias: learn b, one a neuron.

    Attributes:
        weight: (P, C K, F): of P places in row-major order, from the K values of C maps, to F maps.

    Raises:
        UserError: the input is no map of these dimensions, or the field does not fit in it.
    """

    dims: int

    def __init__(
        self,
        shape: tuple[int, ...],
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        bias: bool = True,
    ):
        super().__init__()
        name = type(self).__name__
        if len(shape) != self.dims + 1:
            raise UserError(f"{name} got {tuple(shape)} at each step", f"wanted         maps of {self.dims} dimensions")
        self.kernel_size, self.stride = self._sides("kernel_size", kernel_size), self._sides("stride", stride)
        sides = zip(shape[1:], self.kernel_size, self.stride, strict=True)
        self.places = tuple((side - k) // s + 1 for side, k, s in sides)
        if min(self.places) < 1:
            raise UserError(
                f"{name}: a field of {self.kernel_size} does not fit in a map of {tuple(shape[1:])}",
                "range          kernel_size up to the side of the map",
            )
        self.shape, self.out_channels = tuple(shape), out_channels
        fan_in, places = shape[0] * math.prod(self.kernel_size), math.prod(self.places)
        self.weight = nn.Parameter(torch.empty(places, fan_in, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels, *self.places)) if bias else None
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(fan_in**-0.5), fan_in**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *sides) -> (B, F, *places)."""
        for d, (k, s) in enumerate(zip(self.kernel_size, self.stride, strict=True)):
            x = x.unfold(2 + d, k, s)
        fields = x.movedim(1, self.dims + 1).flatten(self.dims + 1).flatten(1, self.dims)  # (B, places, C K)
        y = torch.bmm(fields.transpose(0, 1), self.weight)  # (places, B, F)
        y = y.permute(1, 2, 0).unflatten(2, self.places)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.shape} to {(self.out_channels, *self.places)}, kernel_size={self.kernel_size}"

    def _sides(self, name: str, value: int | Sequence[int]) -> tuple[int, ...]:
        sides = (value,) * self.dims if isinstance(value, int) else tuple(value)
        if len(sides) != self.dims or any(type(side) is not int or side < 1 for side in sides):
            hint = f"wanted         a whole number above 0, or {self.dims} of them"
            raise UserError(f"{type(self).__name__}: {name} is {value!r}", hint)
        return sides


class Local1d(_Local):
    """Local connections of a line of neurons, each with weights of its own:

        y[f, i] = sum_{c, u} W[i, c, u, f] x[c, s i + u] + b[f, i]

    Args:
        shape, out_channels, kernel_size, stride, bias: of `_Local`: (C, L), F, and numbers of neurons.

    Source: K. Gregor, Y. LeCun, "Emergence of complex-like cells in a temporal product network with local receptive
    fields" (2010), arXiv:1006.0448.
    """

    dims = 1


class Local2d(_Local):
    """Local connections of a map of neurons, each with weights of its own:

        y[f, i, j] = sum_{c, u, v} W[i, j, c, u, v, f] x[c, s i + u, s j + v] + b[f, i, j]

    Args:
        shape, out_channels, kernel_size, stride, bias: of `_Local`: (C, H, W), F, and pixels.

    Source: D. J. Saunders et al., "Locally connected spiking neural networks for unsupervised feature learning",
    Neural Networks 119 (2019), doi:10.1016/j.neunet.2019.08.016.
    """

    dims = 2


class Local3d(_Local):
    """Local connections of a volume of neurons, each with weights of its own; as `Local2d`, of (C, D, H, W).

    Args:
        shape, out_channels, kernel_size, stride, bias: of `_Local`: (C, D, H, W), F, and voxels.
    """

    dims = 3
