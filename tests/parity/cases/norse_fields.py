"""Norse's receptive fields given one by one."""

from __future__ import annotations

from functools import partial

import torch

from snnctl.datasets.encodings.spatial_fields import spatial_field
from tests.parity.parity import Inputs, Parity, Traces
from tests.parity.uniforms import images

ROWS = [[1.0, 0.0, 1.0, 0.0, 0.0], [2.0, 0.7, 0.5, 1.0, 0.0], [0.7, -0.4, 1.5, 0.0, 2.0]]


def _theirs(given: Inputs, rows: list[list[float]], size: int, domain: float, parameterized: bool) -> Traces:
    from norse.torch import ParameterizedSpatialReceptiveField2d, SpatialReceptiveField2d

    if not parameterized:
        built = SpatialReceptiveField2d(2, size, torch.tensor(rows), domain=domain)
        return {"fields": built.weights[:, 0], "activity": built(given["x"])}
    ((scale, angle, ratio, dx, dy),) = rows
    values = [torch.tensor([v]) for v in (scale, angle, ratio)]
    built = ParameterizedSpatialReceptiveField2d(2, size, *values, [(int(dx), int(dy))], domain=domain)
    return {"fields": built.submodule.weights[:, 0], "activity": built(given["x"])}


def _mine(given: Inputs, rows: list[list[float]], size: int, domain: float) -> Traces:
    fields = torch.stack([spatial_field(*row[:3], size, int(row[3]), int(row[4]), domain) for row in rows])
    return {"fields": fields, "activity": torch.nn.functional.conv2d(given["x"].sum(1, keepdim=True), fields[:, None])}


def _case(api: str, setting: str, rows: list[list[float]], size: int = 9, domain: float = 8.0) -> Parity:
    return Parity(
        f"norse.torch.{api}", "datasets.encodings.spatial_fields.spatial_field", setting,
        images(shape=(1, 2, size + 2, size + 1)),
        partial(_theirs, rows=rows, size=size, domain=domain, parameterized=api.startswith("Param")),
        partial(_mine, rows=rows, size=size, domain=domain),
    )  # fmt: skip


CASES = [
    _case("SpatialReceptiveField2d", "one_round", ROWS[:1]),
    _case("SpatialReceptiveField2d", "three_of_their_own", ROWS),
    _case("SpatialReceptiveField2d", "size=7_domain=4", ROWS, 7, 4.0),
    *(_case("ParameterizedSpatialReceptiveField2d", f"derivatives={int(row[3])}_{int(row[4])}", [row]) for row in ROWS),
]
