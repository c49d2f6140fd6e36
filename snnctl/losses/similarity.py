"""Similarity of spike trains, as a loss: samples of one class should be answered alike."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.losses.loss import Loss, one_of, total, valid, within

KERNELS = ("linear", "polynomial", "sigmoid", "gaussian")


def kernel_products(x: Tensor, y: Tensor, kernel: str = "linear", parameter: float = 1.0) -> Tensor:
    """The inner product of every x_i with every y_j in the space of a kernel.

        linear: x.y      polynomial: (x.y)^p      sigmoid: 1 / (1 + exp(-p x.y))      gaussian: exp(-|x - y|^2 / 2p^2)

    Args:
        x, y: (N, M), (L, M).
        kernel: linear, polynomial, sigmoid or gaussian.
        parameter: p.

    Returns:
        (N, L).

    Raises:
        UserError: the kernel is unknown, or its width is not above 0.
    """
    one_of("kernel", kernel, KERNELS)
    products = x @ y.T
    if kernel == "polynomial":
        return products.pow(parameter)
    if kernel == "sigmoid":
        return (parameter * products).sigmoid()
    if kernel == "gaussian":
        within("parameter", parameter, "unit of the kernel's argument", above=True)
        apart = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * products
        return (-apart / (2 * parameter**2)).exp()
    return products


class SpikeSimilarity(Loss):
    """Distance between how alike the outputs of two samples are, and whether they are of one class.

        L = mean_{a, b} distance(k(x_a, x_b), [target_a = target_b]),   x_b = out_b over its valid steps, (T C,)

    k is a kernel of `kernel_products`, the linear one divided by max(|x_a|, 1) max(|x_b|, 1). A loss for embeddings: it
    names no classes, so `scores`, the spike counts, say nothing unless `cross_entropy_weight` asks for them too:

        L + cross_entropy_weight mean_b CE(sum_t out_b[t], target_b)

    Args:
        kernel: linear, sigmoid or gaussian.
        parameter: slope of the sigmoid, width of the gaussian.
        distance: mse, l1 or bce (binary cross-entropy).
        smoothing: each spike is spread over the steps after it by exp(-t / smoothing) first, steps; 0: not at all.
        cross_entropy_weight: 0 and above.

    Source: spikes smoothed by an exponential: van Rossum 2001, doi 10.1162/089976601300014321.

    Raises:
        UserError: a value is out of range, an option is unknown.
    """

    def __init__(
        self,
        kernel: Literal["linear", "sigmoid", "gaussian"] = "linear",
        parameter: float = 1.0,
        distance: Literal["mse", "l1", "bce"] = "mse",
        smoothing: float = 0.0,
        cross_entropy_weight: float = 0.0,
    ):
        super().__init__()
        self.kernel = one_of("kernel", kernel, ("linear", "sigmoid", "gaussian"))
        self.parameter = within("parameter", parameter, "unit of the kernel's argument", above=True)
        self.distance = one_of("distance", distance, ("mse", "l1", "bce"))
        self.smoothing = within("smoothing", smoothing, "steps")
        self.cross_entropy_weight = within("cross_entropy_weight", cross_entropy_weight, "no unit")

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), spikes."""
        return total(out, length)

    def forward(self, out: Tensor, target: Tensor, length: Tensor) -> Tensor:
        """As in `Loss`; the mean is over pairs of samples."""
        self.check(out, target, length)
        loss = self.compare(self.likeness(out, length), target)
        if not self.cross_entropy_weight:
            return loss
        return loss + self.cross_entropy_weight * F.cross_entropy(self.scores(out, length), target)

    def likeness(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, B), 1 for a sample and itself (sigmoid: less)."""
        data = valid(out, length)
        spikes = torch.where(data, out.float(), 0.0)
        if self.smoothing:
            spikes = torch.where(data, _spread(spikes, self.smoothing), 0.0)
        rows = spikes.transpose(0, 1).flatten(1)
        alike = kernel_products(rows, rows, self.kernel, self.parameter)
        if self.kernel != "linear":
            return alike
        norm = rows.square().sum(1).clamp(min=1).sqrt()  # one spike's: else a silent sample has a gradient of 1e8
        return alike / (norm[:, None] * norm + 1e-8)

    def compare(self, alike: Tensor, target: Tensor) -> Tensor:
        """(B, B), (B,) -> ()."""
        same = (target[:, None] == target).to(alike.dtype)
        if self.distance == "mse":
            return F.mse_loss(alike, same)
        if self.distance == "l1":
            return F.l1_loss(alike, same)
        return F.binary_cross_entropy(alike.clamp(0, 1), same)


def _spread(x: Tensor, tau: float) -> Tensor:
    """y[t] = sum_{u <= t} exp(-(t - u) / tau) x[u]: (T, B, C) -> (T, B, C)."""
    steps = torch.arange(x.shape[0], device=x.device, dtype=x.dtype)
    later = steps[:, None] - steps
    weights = torch.where(later >= 0, (-later.clamp(min=0) / tau).exp(), 0.0)
    return torch.einsum("tu,ubc->tbc", weights, x)
