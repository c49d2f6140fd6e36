"""A circuit as a Xylo core computes it, and the two files that hold it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from snnctl.atomic import write_json
from snnctl.errors import UserError
from snnctl.targets.target import Traces
from snnctl.targets.xylo import arithmetic
from snnctl.targets.xylo.specification import Specification

SPECIFICATION, LAYOUT = "specification.npz", "layout.json"


@dataclass(frozen=True)
class Layout:
    """What the numbers of a core stand for.

    Args:
        dt: step width, s.
        input: shape of one step of the input.
        populations: hidden population -> [first neuron, steps by which it is late, shape of a step].
        output: name of the output population. shape: of its step. late: steps by which it is late.
        late_out: steps by which the circuit's output is late.
        spiking: whether the output is spikes; else the membrane, which is (v / scale + rest).
        scale, rest: of each output neuron.
        most: spikes that the core counts in a step: input, hidden, output.
    """

    dt: float
    input: tuple[int, ...]
    populations: dict[str, tuple[int, int, tuple[int, ...]]]
    output: str
    shape: tuple[int, ...]
    late: int
    late_out: int
    spiking: bool
    scale: tuple[float, ...]
    rest: tuple[float, ...]
    most: tuple[int, int, int]

    @property
    def longest(self) -> int:
        """Steps that the core runs after the last input."""
        return max(self.late, self.late_out, *(late for _, late, _ in self.populations.values()))


@dataclass(frozen=True)
class XyloModel:
    """A core's integers, and what they stand for.

    Args:
        spec: the integers. layout: their meaning. said: plain values for the report.
    """

    spec: Specification
    layout: Layout
    said: dict[str, Any] = field(default_factory=dict)

    def run(self, x: Tensor) -> Traces:
        """From rest over x (T, B, *input), whole numbers of spikes. Every population is given at the circuit's own
        steps: the core runs on, without input, until the last of them is through.

        Raises:
            UserError: x is negative, no whole number, or of another shape.
        """
        ran = self.recording(x)
        steps, batch, layout = len(x), x.shape[1], self.layout
        spikes = {}
        for name, (first, late, shape) in layout.populations.items():
            size = math.prod(shape)
            own = ran.spikes[late : late + steps, :, first : first + size]
            spikes[name] = own.to(x.device, torch.float32).view(steps, batch, *shape)
        if layout.spiking:
            out = ran.out.to(torch.float32)
        else:
            out = (ran.v_out / torch.tensor(layout.scale) + torch.tensor(layout.rest)).to(torch.float32)
        out = out.to(x.device).view(-1, batch, *layout.shape)
        spikes[layout.output] = out[layout.late : layout.late + steps]
        return Traces(out[layout.late_out : layout.late_out + steps], spikes)

    def recording(self, x: Tensor) -> arithmetic.Recording:
        """What the core does over x (T, B, *input) and the steps after it."""
        given = _counts(x, self.layout.input)
        given = torch.cat([given, given.new_zeros(self.layout.longest, *given.shape[1:])])
        return arithmetic.run(self.spec, given, arithmetic.Spikes(*self.layout.most))

    def facts(self) -> dict[str, Any]:
        return self.said

    def save(self, folder: Path) -> None:
        """Write both files."""
        self.spec.save(folder / SPECIFICATION)
        write_json(folder / LAYOUT, asdict(self.layout))

    @classmethod
    def load(cls, folder: Path) -> XyloModel:
        """Read both files.

        Raises:
            UserError: one is missing or damaged.
        """
        try:
            spec = Specification.load(folder / SPECIFICATION)
            said = json.loads((folder / LAYOUT).read_text())
            said["populations"] = {
                name: (first, late, tuple(shape)) for name, (first, late, shape) in said["populations"].items()
            }
            layout = Layout(**{k: tuple(v) if isinstance(v, list) else v for k, v in said.items()})
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = f"{folder} holds no Xylo core: {error}"
            raise UserError(problem, "build it again   snnctl deploy RUN target=xylo/...") from error
        return cls(spec, layout)


def _counts(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """x (T, B, *shape) as (T, B, inputs) float32."""
    if x.dim() < 2 or tuple(x.shape[2:]) != tuple(shape):
        raise UserError(f"input of shape {tuple(x.shape)}", f"wanted         (T, B, *{tuple(shape)})")
    given = x.detach().cpu().to(torch.float32).flatten(2)
    if not torch.equal(given, given.round()) or (given < 0).any():
        bad = given[(given != given.round()) | (given < 0)][0].item()
        raise UserError(
            f"the input holds {bad:g}: a Xylo core takes whole numbers of spikes",
            "count events: dataset.layout of counts, or an encoding that gives spikes",
        )
    return given
