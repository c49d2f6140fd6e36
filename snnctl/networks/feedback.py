"""How the outputs of a layer come back to it: the weights of a recurrent layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snnctl.errors import UserError, did_you_mean

INITS = ("orthogonal", "normal")


class AllToAll(nn.Module):
    """Every neuron to every neuron: y_i = sum_j W_ij s_j + b_i.

    Args:
        shape: of the layer's neurons at one step, (N,) or more dimensions, which are flattened.
        bias: learn b.
        autapses: whether a neuron is connected to itself; if not, W_ii is zero and stays so.
        init: orthogonal (Saxe et al. 2014, arXiv 1312.6120) or normal with standard deviation gain / sqrt(N).
        gain: factor of the initial weights.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        bias: bool = False,
        autapses: bool = True,
        init: str = "orthogonal",
        gain: float = 0.5,
    ):
        super().__init__()
        n = torch.Size(shape).numel()
        self.autapses = autapses
        self.weight = nn.Parameter(torch.empty(n, n))
        self.bias = nn.Parameter(torch.zeros(n)) if bias else None
        _initialise(self.weight, init, gain)
        if not autapses:
            nn.init.zeros_(self.weight.diagonal().detach())

    def synapses(self) -> Tensor:
        """The weights that count, computed once a sequence."""
        return self.weight if self.autapses else self.weight - torch.diag(self.weight.diagonal())

    def forward(self, s: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, *shape) -> (B, *shape)."""
        weight = self.synapses() if weight is None else weight
        return F.linear(s.flatten(1), weight, self.bias).view_as(s)


class OneToOne(nn.Module):
    """Every neuron to itself: y_i = w_i s_i + b_i.

    Args:
        shape: of the layer's neurons at one step.
        bias: learn b.
        gain: standard deviation of the initial weights.
    """

    def __init__(self, shape: tuple[int, ...], bias: bool = False, gain: float = 0.5):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None
        nn.init.normal_(self.weight, std=gain)

    def synapses(self) -> Tensor:
        return self.weight

    def forward(self, s: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, *shape) -> (B, *shape)."""
        y = s * (self.weight if weight is None else weight)
        return y if self.bias is None else y + self.bias


class MapToMap(nn.Module):
    """A convolution of the layer's own maps, of the same size: y = K * s + b.

    Args:
        shape: (C, L), (C, H, W) or (C, D, H, W).
        kernel_size: side of the kernel, odd.
        bias: learn b.
        init: orthogonal, or normal with standard deviation gain / sqrt(C * kernel area).
        gain: factor of the initial weights.

    Raises:
        UserError: the neurons form no maps, or the kernel is even.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        kernel_size: int = 3,
        bias: bool = False,
        init: str = "orthogonal",
        gain: float = 0.5,
    ):
        super().__init__()
        dims = len(shape) - 1
        if dims not in (1, 2, 3):
            raise UserError(
                f"snnctl.networks.MapToMap needs neurons in maps, (C, L) or (C, H, W); here they are {tuple(shape)}",
                "use   snnctl.networks.AllToAll   or put the recurrent layer after a convolution",
            )
        if kernel_size % 2 == 0:
            raise UserError(f"snnctl.networks.MapToMap: kernel_size {kernel_size} is even", "give 1, 3, 5, ...")
        self.padding = kernel_size // 2
        self.weight = nn.Parameter(torch.empty(shape[0], shape[0], *[kernel_size] * dims))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self._dims = dims
        _initialise(self.weight, init, gain)

    def synapses(self) -> Tensor:
        return self.weight

    def forward(self, s: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, *shape) -> (B, *shape)."""
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self._dims - 1]
        return convolve(s, self.weight if weight is None else weight, self.bias, padding=self.padding)


def _initialise(weight: Tensor, init: str, gain: float) -> None:
    if init not in INITS:
        raise UserError(f"feedback init {init!r} does not exist", did_you_mean(init, INITS))
    if init == "orthogonal" and not weight.is_meta:
        nn.init.orthogonal_(weight, gain)
    elif init == "normal":
        nn.init.normal_(weight, std=gain / weight[0].numel() ** 0.5)
