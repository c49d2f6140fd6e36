"""What wrong parameters cost: a trained network's figure against the mismatch of its parameters."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snnctl import atomic
from snnctl.datasets.draws import generator
from snnctl.errors import UserError, number
from snnctl.losses.parameters import Patterns
from snnctl.regimes.robust import scales
from snnctl.report.pictures import png


@dataclass(frozen=True)
class Mismatch:
    """Devices on which each parameter is off by its own error, as on analog chips:

        p_d = p + level |p| R_d,    R_d ~ N(0, 1), one for each element of p and device d

    A learnable time constant is kept as its logarithm; there |p| is 1. Device d has the same R_d at every level, so
    that levels differ by the level alone.

    Args:
        levels: standard deviations of the errors, as shares of each parameter, 0 and above.
        draws: devices a level; at level 0 all are alike, and one is tested.
        parameters: which ones are off: names, or patterns with *: *.weight, lif.threshold.

    Raises:
        UserError: a value is out of range, a level is given twice.

    Source: Buechel et al. 2021, arXiv 2106.05009, equation 1.
    """

    levels: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2)
    draws: int = 5
    parameters: Patterns = "*"

    def __post_init__(self) -> None:
        levels = (self.levels,) if isinstance(self.levels, int | float) else self.levels
        if not isinstance(levels, list | tuple) or not levels:
            raise UserError(f"mismatch={self.levels} is no list of levels", "for example   mismatch=[0,0.05,0.1,0.2]")
        object.__setattr__(self, "levels", tuple(levels))
        for level in levels:
            number("mismatch:", level, "share of each parameter", 0.0)
        if len(set(levels)) < len(levels):
            raise UserError(f"mismatch={list(levels)} has a level twice", "give each once")
        if isinstance(self.draws, bool) or not isinstance(self.draws, int) or self.draws < 1:
            raise UserError(
                f"draws={self.draws} is not a number of devices", "expected at least 1, for example   draws=5"
            )

    def sweep(self, network: nn.Module, test: Callable[[], float], seed: int) -> list[list[float]]:
        """The figure of every device, level by level; the network is as before when it is done.

        Args:
            network: trained.
            test: measures the network as it is.
            seed: of the devices.

        Raises:
            UserError: the network has no such parameters.
        """
        found = []
        for level in self.levels:
            devices = range(self.draws if level else 1)
            found.append([])
            for device in devices:
                with self.device(network, level, seed, device):
                    found[-1].append(test())
        return found

    def concerned(self, network: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
        """Path -> parameter that is off, and what its errors are shares of.

        Raises:
            UserError: a name or pattern fits none.
        """
        return scales(network, self.parameters, learned=False)

    @contextmanager
    def device(self, network: nn.Module, level: float, seed: int, number: int) -> Iterator[None]:
        """The network with the errors of one device, in place."""
        draw, concerned = generator(seed, 0, number, "mismatch"), self.concerned(network)
        before = {name: p.detach().clone() for name, (p, _) in concerned.items()}
        with torch.no_grad():
            for p, scale in concerned.values():
                p.add_(level * scale * torch.from_numpy(draw.standard_normal(tuple(p.shape))).to(p))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, (p, _) in concerned.items():
                    p.copy_(before[name])


@dataclass(frozen=True)
class Curve:
    """What a sweep found.

    Args:
        name: of the figure, "test/acc".
        levels: of the mismatch. figures: of every device, level by level.
        parameters: which ones were off.
    """

    name: str
    levels: tuple[float, ...]
    figures: list[list[float]]
    parameters: Patterns = field(default="*")

    def plain(self) -> dict[str, Any]:
        """As results.json holds it."""
        parameters = self.parameters if isinstance(self.parameters, str) else list(self.parameters)
        return {"figure": self.name, "levels": list(self.levels), "values": self.figures, "parameters": parameters}

    def show(self) -> None:
        """Print a table: a row a level."""
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
        table.title = f"\n{self.name} of mismatched devices"
        for column in ("mismatch", "devices", "mean", "std", "lowest", "highest"):
            table.add_column(column, justify="right")
        for level, values in zip(self.levels, self.figures, strict=True):
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells = (statistics.mean(values), spread, min(values), max(values))
            table.add_row(f"{100 * level:g} %", str(len(values)), *map(self._cell, cells))
        Console(width=None if Console().is_terminal else 110).print(table)

    def draw(self, path: Path) -> None:
        """Write the curve as a PNG: the mean, every device as a dot."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 3.2), layout="constrained")
        axis = figure.subplots()
        rows = sorted(zip(self.levels, self.figures, strict=True))
        axis.plot([100 * level for level, _ in rows], [statistics.mean(values) for _, values in rows], color="tab:blue")
        for level, values in rows:
            axis.plot([100 * level] * len(values), values, ".", color="0.4", markersize=4)
        axis.set_xlabel("mismatch, % of each parameter")
        axis.set_ylabel(self.name)
        axis.grid(alpha=0.3)
        drawn = png(figure, dpi=120)
        atomic.write(path, lambda file: file.write(drawn))

    def _cell(self, value: float) -> str:
        return f"{100 * value:.2f} %" if self.name == "test/acc" else f"{value:.4g}"
