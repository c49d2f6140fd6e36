"""Spatial receptive fields: Gaussians and their derivatives, at several scales, angles and eccentricities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from snnctl.datasets.encodings.front_end import FrontEnd
from snnctl.datasets.encodings.ranges import number, within
from snnctl.errors import UserError


def spatial_field(
    scale: float, angle: float, ratio: float, size: int, dx: int = 0, dy: int = 0, domain: float = 8.0
) -> Tensor:
    """A Gaussian on a square grid, derived along its own axes, each time multiplied by its scale.

        g(p) = exp(-p' S^-1 p / 2) / sum,   S = scale Q diag(ratio^2, ratio^-2) Q',   Q turns by `angle`

    Args:
        scale: of the covariance S, square of the grid's unit, above 0.
        angle: radians.
        ratio: eccentricity, above 0; 1 is round.
        size: pixels a side.
        dx, dy: how often it is derived along the angle, and across it.
        domain: the grid reaches from -domain to domain.

    Returns:
        (size, size) float32.

    Source: Lindeberg 2013, doi:10.1007/s00422-013-0569-z; normalisation: Lindeberg 1998, doi:10.1023/A:1008045108935.
    """
    cos, sin = math.cos(angle), math.sin(angle)
    long, short = ratio**2 * scale, ratio**-2 * scale
    xx, yy = long * cos**2 + short * sin**2, long * sin**2 + short * cos**2
    xy = (long - short) * cos * sin
    grid = torch.linspace(-domain, domain, size, dtype=torch.float64)
    y, x = grid[:, None], grid[None, :]
    field = torch.exp(-(yy * x**2 - 2 * xy * x * y + xx * y**2) / (2 * (xx * yy - xy**2)))
    field = field / field.sum()
    for turn, times in ((0.0, dx), (math.pi / 2, dy)):
        for _ in range(times):
            down, right = torch.gradient(field)
            field = (down * math.cos(angle + turn) + right * math.sin(angle + turn)) * scale
    return field.float()


@dataclass(frozen=True)
class SpatialFields(FrontEnd):
    """Images seen through receptive fields, then another encoding of what they answer:

        a_f[y, x] = sum_c sum_{i, j} g_f[i, j] v_c[y + i, x + j]         no padding

    One channel a field, in the order scale, angle, ratio, derivative. Answers of derived fields have both signs.

    Args:
        size: pixels a side of a field, 3 and above.
        scales: of the covariance, square of the grid's unit.
        angles: radians.
        ratios: eccentricities.
        derivatives: (dx, dy) of each, how often along and across the angle.
        domain: a field's grid reaches from -domain to domain.
        then: the encoding of the answers.

    Raises:
        UserError: a setting out of range; when called: images smaller than a field, or a value that is not finite.

    Source: Lindeberg 2013, doi:10.1007/s00422-013-0569-z; Pedersen, Conradt, Lindeberg 2024, arXiv 2405.00318.
    """

    size: int = 9
    scales: Sequence[float] = (1.0, 2.0)
    angles: Sequence[float] = (0.0,)
    ratios: Sequence[float] = (1.0,)
    derivatives: Sequence[Sequence[int]] = ((0, 0), (1, 0), (0, 1))
    domain: float = 8.0

    def __post_init__(self):
        number("SpatialFields", "size", self.size, "pixels", 3)
        number("SpatialFields", "domain", self.domain, "grid units", 0.0, above=True)
        for name, unit in (("scales", "grid units squared"), ("angles", "radians"), ("ratios", "no unit")):
            for value in getattr(self, name):
                number("SpatialFields", name, value, unit, -math.inf if name == "angles" else 0.0, above=True)
        for pair in self.derivatives:
            if len(pair) != 2 or any(n != int(n) or n < 0 for n in pair):
                raise UserError(f"SpatialFields: derivatives holds {pair}", "expected pairs (dx, dy) of 0 and above")

    def fields(self) -> Tensor:
        """(F, size, size)."""
        settings = product(self.scales, self.angles, self.ratios, self.derivatives)
        return torch.stack(
            [spatial_field(s, a, r, self.size, int(d[0]), int(d[1]), self.domain) for s, a, r, d in settings]
        )

    def features_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """(C, H, W) -> (F, H - size + 1, W - size + 1)."""
        if len(shape) != 3 or min(shape[1:]) < self.size:
            raise UserError(
                f"SpatialFields: size is {self.size} pixels, a step is {tuple(shape)}",
                "expected images (C, H, W) of at least that many pixels a side",
            )
        count = len(self.scales) * len(self.angles) * len(self.ratios) * len(self.derivatives)
        return (count, shape[1] - self.size + 1, shape[2] - self.size + 1)

    def features(self, values: Tensor, dt: float) -> Tensor:
        """(L, B, C, H, W) -> (L, B, F, H', W')."""
        after = self.features_shape(tuple(values.shape[2:]))
        v = within("SpatialFields", values).sum(2, keepdim=True).flatten(0, 1)
        return torch.nn.functional.conv2d(v, self.fields()[:, None]).view(*values.shape[:2], *after)
