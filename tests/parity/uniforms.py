"""The same random numbers for a framework and for snnctl, so that what they make of them can be compared exactly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from tests.parity.parity import Inputs


def images(steps: int = 40, shape: tuple[int, ...] = (2, 5), low: float = 0.0, high: float = 1.0, seed: int = 0):
    """() -> x (B, ...), values of still images in low to high, and u (T, B, ...), uniform numbers in [0, 1)."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(seed)
        x = low + (high - low) * torch.rand(shape, generator=draw)
        return {"x": x, "u": torch.rand(steps, *shape, generator=draw)}

    return inputs


def series(steps: int = 40, shape: tuple[int, ...] = (2, 5), scale: float = 0.3, seed: int = 0):
    """() -> x (T, B, ...), random walks."""

    def inputs() -> Inputs:
        draw = torch.Generator().manual_seed(seed)
        return {"x": torch.randn(steps, *shape, generator=draw).cumsum(0) * scale}

    return inputs


@contextlib.contextmanager
def drawing(u: Tensor) -> Iterator[None]:
    """Within it, torch's draws are u: rand and rand_like give it, bernoulli(p) is u < p.

    The shapes must be those asked for, but for dimensions that the framework folds.
    """

    def rand(*shape, **options) -> Tensor:
        shape = shape[0] if shape and isinstance(shape[0], tuple | torch.Size) else shape
        return u.reshape(tuple(shape)).clone()

    with (
        mock.patch("torch.rand", rand),
        mock.patch("torch.rand_like", lambda like, **options: u.reshape(like.shape).clone()),
        mock.patch("torch.bernoulli", lambda p, **options: (u.reshape(p.shape) < p).to(p.dtype)),
    ):
        yield


class Given:
    """Stands in for one sample's generator: gives out uniform numbers that are known.

    Args:
        u: (T, ...), in [0, 1).
    """

    def __init__(self, u: Tensor):
        self.u = u.numpy()
        self.row = 0

    def random(self, size, dtype=np.float32) -> np.ndarray:
        return self.u.reshape(-1)[: int(np.prod(size))].reshape(size).astype(dtype)

    def poisson(self, mean: np.ndarray) -> np.ndarray:
        """The next row as whole numbers of this mean, by `spread`."""
        self.row += 1
        return spread(self.u.reshape(len(self.u), -1)[self.row - 1], mean)


def given(u: Tensor) -> list[Given]:
    """One a sample, of u (T, B, ...)."""
    return [Given(u[:, b]) for b in range(u.shape[1])]


def spread(u: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """A draw that grows with u and the mean: whole numbers from 0, any law being as good for a comparison."""
    return np.floor(-np.asarray(mean, np.float64) * np.log1p(-np.asarray(u, np.float64))).astype(np.int64)


def by_sample(call: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A framework's encoder for one sample, over x (B, ...) -> (T, B, ...)."""
    return torch.stack([call(sample) for sample in x], 1)
